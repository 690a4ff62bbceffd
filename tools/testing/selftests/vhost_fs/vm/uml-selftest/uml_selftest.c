// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the harm that the test bed claims to notice, one kind per load:
 *
 *	insmod uml_selftest.ko harm=use-after-free
 *
 * Nothing here is a test of the kernel: if a run with this module stays green,
 * the net has a hole. Never load it anywhere else.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *harm = "";
module_param(harm, charp, 0400);
MODULE_PARM_DESC(harm, "what to break");

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

static void use_after_free(void)
{
	int *p = kzalloc(sizeof(*p), GFP_KERNEL);

	kfree(p);
	WRITE_ONCE(*p, 1);
}

static void out_of_bounds(void)
{
	char *p = kzalloc(24, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	if (p)
		WRITE_ONCE(p[24], 1);
	kfree(p);
}

static void leak(void)
{
	void *p = kzalloc(100, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

static void lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void sleep_in_atomic(void)
{
	spin_lock(&spin);
	msleep(20);
	spin_unlock(&spin);
}

static void bad_shift(void)
{
	int by = 33;

	OPTIMIZER_HIDE_VAR(by);
	WRITE_ONCE(by, 1 << by);
}

static void refcount(void)
{
	refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void rcu(void)
{
	static void __rcu *p;

	rcu_dereference(p);
}

static void list(void)
{
	struct list_head head, entry;

	INIT_LIST_HEAD(&head);
	list_add(&entry, &head);
	entry.next = &entry;
	list_del(&entry);
}

static int stray(void *unused)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static void task(void)
{
	kthread_run(stray, NULL, "vhost-fs-stray");
}

static void cache(void)
{
	kmem_cache_create("vhost_fs_stray", 40, 0, SLAB_NO_MERGE, NULL);
}

static void die(void)
{
	BUG();
}

static const struct {
	const char *name;
	void (*run)(void);
} harms[] = {
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "leak", leak },
	{ "lock-inversion", lock_inversion },
	{ "sleep-in-atomic", sleep_in_atomic },
	{ "bad-shift", bad_shift },
	{ "refcount", refcount },
	{ "rcu", rcu },
	{ "list", list },
	{ "task", task },
	{ "cache", cache },
	{ "die", die },
};

static int __init uml_selftest_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(harms); i++) {
		if (strcmp(harm, harms[i].name))
			continue;
		harms[i].run();
		return 0;
	}
	return -EINVAL;
}
module_init(uml_selftest_init);

MODULE_DESCRIPTION("Harm on demand, for testing a test bed");
MODULE_LICENSE("GPL");
