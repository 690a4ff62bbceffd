// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest goes from virtiofsd to vhost_fs and back, with what it has looked up and
 * opened, and doesn't notice.
 */
#include "harness.h"
#include "virtiofsd_bed.h"

#include <errno.h>

FIXTURE(move) {
	struct tree tree;
	struct side one, other;
	struct guest guest;
	struct stream stream;
};

FIXTURE_VARIANT(move) {
	const char *mode;	/* virtiofsd's option */
	const char *verify;	/* another, or NULL */
	uint32_t migration;	/* the same of vhost_fs */
};

FIXTURE_VARIANT_ADD(move, paths) {
	.mode = "--migration-mode=find-paths",
};

FIXTURE_VARIANT_ADD(move, verified) {
	.mode = "--migration-mode=find-paths", .verify = "--migration-verify-handles",
	.migration = VHOST_FS_MIGRATION_VERIFY_HANDLES,
};

FIXTURE_VARIANT_ADD(move, handles) {
	.mode = "--migration-mode=file-handles",
	.migration = VHOST_FS_MIGRATION_FILE_HANDLES,
};

FIXTURE_SETUP(move)
{
	ASSERT_EQ(0, tree_make(&self->tree));
}

FIXTURE_TEARDOWN(move)
{
	side_close(&self->one);
	side_close(&self->other);
	tree_remove(&self->tree);
}

/* A server of the kind that is wanted; what isn't found there, the guest loses. */
static int open_side(struct side *side, const struct tree *tree, bool kernel,
		     const struct _fixture_variant_move *how)
{
	const char *const options[] = {
		"--migration-on-error=guest-error", how->mode, how->verify, NULL,
	};
	static unsigned int number;
	char name[16];

	snprintf(name, sizeof(name), "move%u", number++);
	if (kernel)
		return side_open_kernel(side, tree, name,
					how->migration | VHOST_FS_MIGRATION_GUEST_ERROR);
	return side_open(side, tree, name, options);
}

/* Where it came from is closed last, as the guest's memory of unlinked files. */
static int go_on(struct side *to, struct side *from, struct stream *s)
{
	int ret = side_stop(from) ?: side_save(from, s) ?: side_load(to, s) ?: side_start(to);

	side_take_guest(to, from);
	side_close(from);
	return ret;
}

TEST_F(move, from_virtiofsd)
{
	ASSERT_EQ(0, open_side(&self->one, &self->tree, false, variant));
	ASSERT_EQ(0, side_start(&self->one));
	ASSERT_EQ(0, guest_work(&self->one.f, &self->guest));
	ASSERT_EQ(0, open_side(&self->other, &self->tree, true, variant));
	ASSERT_EQ(0, go_on(&self->other, &self->one, &self->stream));
	ASSERT_EQ(0, guest_check(&self->other.f, &self->guest));
	ASSERT_EQ(0, guest_forget(&self->other.f, &self->guest));
}

TEST_F(move, from_vhost_fs)
{
	ASSERT_EQ(0, open_side(&self->one, &self->tree, true, variant));
	ASSERT_EQ(0, side_start(&self->one));
	ASSERT_EQ(0, guest_work(&self->one.f, &self->guest));
	ASSERT_EQ(0, open_side(&self->other, &self->tree, false, variant));
	ASSERT_EQ(0, go_on(&self->other, &self->one, &self->stream));
	ASSERT_EQ(0, guest_check(&self->other.f, &self->guest));
	ASSERT_EQ(0, guest_forget(&self->other.f, &self->guest));
}

TEST_F_TIMEOUT(move, there_and_back, 120)
{
	struct guest *g = &self->guest;
	int round;

	ASSERT_EQ(0, open_side(&self->one, &self->tree, false, variant));
	ASSERT_EQ(0, side_start(&self->one));
	ASSERT_EQ(0, guest_work(&self->one.f, g));
	for (round = 0; round < test_rounds(10); round++) {
		ASSERT_EQ(0, open_side(&self->other, &self->tree, true, variant));
		ASSERT_EQ(0, go_on(&self->other, &self->one, &self->stream));
		ASSERT_EQ(0, guest_check(&self->other.f, g));
		ASSERT_EQ(0, open_side(&self->one, &self->tree, false, variant));
		ASSERT_EQ(0, go_on(&self->one, &self->other, &self->stream));
		ASSERT_EQ(0, guest_check(&self->one.f, g));
	}
	ASSERT_EQ(0, guest_forget(&self->one.f, g));
}

TEST_HARNESS_MAIN
