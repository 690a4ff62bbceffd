// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtiofsd-options.c against what virtiofsd says to the same command lines
 * (virtiofsd_lines), and what it makes of them.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "unit.h"
#include "args.h"
#include "virtiofsd-options.h"

#define MAX_WORDS 32

/*
 * Lines that virtiofsd takes, and then refuses or does nothing with when it
 * starts: ids that no range can have.
 */
static const char *const refused_earlier[] = {
	"--uid-map :0:0:0:",
	"--translate-uid map:0:0:0",
	"--translate-uid map:4294967295:0:2",
};

static bool is_known_difference(const char *line)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused_earlier); i++)
		if (!strcmp(refused_earlier[i], line))
			return true;
	return false;
}

/* Splits @text at blanks; '' is an empty word, and what is within is one. */
static int split(char *text, char **words)
{
	int nr = 1;

	words[0] = "virtiofsd";
	while (*text) {
		char end = *text == '\'' ? *text++ : ' ';
		char *stop = strchrnul(text, end);

		words[nr++] = text;
		text = *stop ? stop + 1 : stop;
		*stop = '\0';
		while (*text == ' ')
			text++;
	}
	words[nr] = NULL;
	return nr;
}

static int parse(const char *line, const char *more, struct virtiofsd_options *options)
{
	char *words[MAX_WORDS + 1];
	char text[512];
	int status, nr;

	snprintf(text, sizeof(text), "%s%s%s", line, *more && *line ? " " : "", more);
	nr = split(text, words);
	/* Options keep pointers to words only where a test looks at them. */
	memset(options, 0, sizeof(*options));
	status = virtiofsd_options_parse(options, nr, words);
	return status == ARGS_DONE ? 0 : status;
}

static void test_lines(void **state)
{
	static struct virtiofsd_options options;
	FILE *file = fopen(VIRTIOFSD_LINES, "r");
	int expected, ours, nr = 0, used;
	char line[512];

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%d\t%*[^\t]\t%n", &expected, &used) != 1)
			continue;
		ours = parse(line + used, "--print-capabilities", &options);
		if (is_known_difference(line + used)) {
			assert_int_equal(2, ours);
			continue;
		}
		if (ours != expected)
			printf("# %s: %d, not %d\n", line + used, ours, expected);
		assert_int_equal(expected, ours);
		nr++;
	}
	fclose(file);
	assert_in_range(nr, 200, 1000);
}

static void test_what_is_needed(void **state)
{
	static struct virtiofsd_options o;

	(void)state;
	assert_int_equal(2, parse("", "", &o));
	assert_int_equal(2, parse("--shared-dir /s", "", &o));
	assert_int_equal(2, parse("--socket-path /k", "", &o));
	assert_int_equal(0, parse("--shared-dir /s --fd 3", "", &o));
	assert_int_equal(3, o.fd);
	assert_int_equal(0, parse("--shared-dir /s --fd=-0", "", &o));
	assert_int_equal(0, o.fd);
	assert_int_equal(0, parse("--shared-dir /s --fd=-2147483648", "", &o));
	assert_int_equal(INT32_MIN, o.fd);
	assert_int_equal(0, parse("-o source=/s --socket /k", "", &o));
}

static void test_defaults(void **state)
{
	static struct virtiofsd_options o;

	(void)state;
	assert_int_equal(0, parse("--shared-dir /s --socket-path /k", "", &o));
	assert_int_equal(0, virtiofsd_options_check(&o));
	assert_int_equal(0, o.share.share.flags);
	assert_int_equal(VHOST_FS_CACHE_AUTO, o.share.share.cache);
	assert_int_equal(VHOST_FS_HANDLES_PREFER, o.share.share.inode_file_handles);
	assert_int_equal(VIRTIOFSD_NAMESPACE, o.sandbox);
	assert_int_equal(LOG_INFO, o.log_level);
	assert_int_equal(SECCOMP_KILL, o.seccomp);
	assert_int_equal(0, o.nr_ignored);
}

#define BASE "--shared-dir /s --socket-path /k "

static unsigned int flags_of(const char *line)
{
	static struct virtiofsd_options o;
	char text[256];

	snprintf(text, sizeof(text), BASE "%s", line);
	assert_int_equal(0, parse(text, "", &o));
	assert_int_equal(0, virtiofsd_options_check(&o));
	return o.share.share.flags;
}

static void test_flags(void **state)
{
	(void)state;
	assert_int_equal(VHOST_FS_SHARE_XATTR, flags_of("--xattr"));
	assert_int_equal(VHOST_FS_SHARE_XATTR, flags_of("--xattrmap :map::a.:"));
	assert_int_equal(VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL,
			 flags_of("--posix-acl"));
	assert_int_equal(0, flags_of("--posix-acl=never"));
	assert_int_equal(0, flags_of("--posix-acl -o no_posix_acl"));
	assert_int_equal(VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_POSIX_ACL |
			 VHOST_FS_SHARE_POSIX_ACL_AUTO, flags_of("--posix-acl=auto"));
	assert_int_equal(VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL,
			 flags_of("--security-label=always"));
	assert_int_equal(VHOST_FS_SHARE_XATTR | VHOST_FS_SHARE_SECURITY_LABEL |
			 VHOST_FS_SHARE_SECURITY_LABEL_AUTO,
			 flags_of("--security-label=auto"));
	assert_int_equal(VHOST_FS_SHARE_READONLY, flags_of("--readonly"));
	assert_int_equal(VHOST_FS_SHARE_NO_SUBMOUNTS, flags_of("--no-announce-submounts"));
	assert_int_equal(0, flags_of("--no-announce-submounts --announce-submounts"));
	assert_int_equal(VHOST_FS_SHARE_NO_READDIRPLUS, flags_of("-o no_readdirplus"));
	assert_int_equal(VHOST_FS_SHARE_WRITEBACK, flags_of("--writeback"));
	assert_int_equal(VHOST_FS_SHARE_DIRECT_IO, flags_of("-o allow_direct_io"));
	assert_int_equal(VHOST_FS_SHARE_MMAP, flags_of("--allow-mmap"));
	assert_int_equal(VHOST_FS_SHARE_KILLPRIV_V2, flags_of("--killpriv-v2"));
	assert_int_equal(0, flags_of("--killpriv-v2 --no-killpriv-v2"));
	assert_int_equal(VHOST_FS_SHARE_NOATIME, flags_of("--preserve-noatime"));
}

static void test_values(void **state)
{
	static struct virtiofsd_options o;

	(void)state;
	assert_int_equal(0, parse(BASE "-o cache=none", "", &o));
	assert_int_equal(VHOST_FS_CACHE_NEVER, o.share.share.cache);
	assert_int_equal(0, parse(BASE "--cache METADATA --inode-file-handles=fallback", "", &o));
	assert_int_equal(VHOST_FS_CACHE_METADATA, o.share.share.cache);
	assert_int_equal(VHOST_FS_HANDLES_PREFER, o.share.share.inode_file_handles);
	assert_int_equal(0, parse(BASE "--translate-uid map:0:5:2 -df", "", &o));
	assert_int_equal(2, o.share.uid_rules.nr);
	assert_int_equal(LOG_DEBUG, o.log_level);
	assert_int_equal(0, parse(BASE "--seccomp log --thread-pool-size 4 --seccomp trap", "",
				  &o));
	assert_int_equal(1, o.nr_ignored);
	assert_int_equal(SECCOMP_TRAP, o.seccomp);
	assert_int_equal(0, parse(BASE "--xattrmap :map::a.: --xattrmap :ok:all:::", "", &o));
	assert_int_equal(1, o.share.xattrmap.nr);
	assert_int_equal(0, parse(BASE "--migration-mode file-handles", "", &o));
	assert_int_equal(VHOST_FS_MIGRATION_FILE_HANDLES, o.share.share.migration);
	assert_int_equal(0, parse(BASE "--migration-mode file-handles --migration-mode=find-paths "
				  "--migration-on-error guest-error --migration-verify-handles "
				  "--migration-confirm-paths", "", &o));
	assert_int_equal(VHOST_FS_MIGRATION_GUEST_ERROR | VHOST_FS_MIGRATION_VERIFY_HANDLES |
			 VHOST_FS_MIGRATION_CONFIRM_PATHS, o.share.share.migration);
	assert_int_equal(0, o.nr_ignored);
}

/* What virtiofsd finds out when it starts. */
static void test_refused_later(void **state)
{
	static const char *const lines[] = {
		"--modcaps=x", "--modcaps=+nosuch", "--modcaps=", "-o modcaps=x",
		"--posix-acl --translate-uid map:0:0:1", "--sandbox none --uid-map :0:0:1:",
		"--sandbox chroot --gid-map :0:0:1:",
		"--translate-uid map:0:0:10 --translate-uid map:5:50:10",
	};
	static struct virtiofsd_options o;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		snprintf(text, sizeof(text), BASE "%s", lines[i]);
		assert_int_equal(0, parse(text, "", &o));
		assert_int_equal(1, virtiofsd_options_check(&o));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_what_is_needed),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused_later),
	};

	/* Hundreds of complaints, each as it should be. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
