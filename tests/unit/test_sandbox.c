/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program in a sandbox is, sees and may not do. The program is a static busybox; where
 * there is none, or the machine forbids user namespaces, the tests say so and are skipped.
 */
#include "lambda/local/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

enum { BUSYBOX_LIMIT = 16 * 1024 * 1024 };

static const char *const BUSYBOXES[] = {"/bin/busybox", "/usr/bin/busybox"};

struct fixture {
    char *folder, *root;
    int tmp_mib;
};

static const char *const plain_environment[] = {"PATH=/nowhere:/bin", "GREETING=hello", NULL};

static bool copy_busybox(const char *to, struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count;
    bool found = false;

    for (size_t i = 0; i < COUNT(BUSYBOXES) && !found; i++)
        found = file_read(BUSYBOXES[i], BUSYBOX_LIMIT, &bytes, &count, err);
    return found && file_write(to, 0755, bytes, count, err);
}

static int set_up(void **state)
{
    struct error err;
    struct fixture *fixture = memory_new(1, sizeof *fixture);

    *state = fixture;
    signal(SIGPIPE, SIG_IGN); /* must not be handed down */
    assert_ok(folder_make_temporary("/tmp", "skiff-sandbox-", &fixture->folder, &err));
    fixture->root = text_format("%s/root", fixture->folder);
    owned(memory) char *bin = text_format("%s/bin", fixture->root);
    owned(memory) char *shell = text_format("%s/sh", bin);
    owned(memory) char *text = text_format("%s/text", bin);
    assert_ok(folder_make(bin, &err));
    assert_ok(file_write(text, 0755, "echo no magic\n", 14, &err));
    if (!copy_busybox(shell, &err)) {
        print_message("skipped: no busybox to run\n");
        skip();
    }
    assert_ok(sandbox_prepare_root(fixture->root, &err));
    return 0;
}

static int tear_down(void **state)
{
    struct error err;
    struct fixture *fixture = *state;

    assert_ok(folder_remove(fixture->folder, &err));
    free(fixture->folder);
    free(fixture->root);
    free(fixture);
    return 0;
}

/* `*output` is a pipe's end; the other one is the sandbox's alone. */
static bool start(const struct fixture *fixture, const char *const *arguments,
                  const char *folder, struct sandbox **sandbox, int *output, struct error *err)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct sandbox_options options = {
        .place = {.root = fixture->root,
                  .tmp_mib = fixture->tmp_mib,
                  .progress = &progress_none},
        .arguments = arguments,
        .environment = plain_environment,
        .working_directory = folder,
        .log_fd = ends[1],
    };

    bool started = sandbox_start(&options, sandbox, err);
    close(ends[1]);
    *output = ends[0];
    if (started)
        return true;
    close(ends[0]);
    if (err->kind == ERROR_DENIED) {
        print_message("skipped: %s\n", err->text);
        skip();
    }
    return false;
}

static void assert_ended_with(struct sandbox *sandbox, int expected)
{
    int status;
    struct pollfd ended = {.fd = sandbox_exit_fd(sandbox), .events = POLLIN};

    assert_int_equal(poll(&ended, 1, 20 * 1000), 1);
    sandbox_end(sandbox, &status);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

static char *read_all(int fd)
{
    owned(text) struct text output = {0};
    char bytes[1024];

    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        text_add_bytes(&output, bytes, (size_t)got);
    close(fd);
    return text_take(&output);
}

/* Runs a shell script; what it prints is the caller's to free(). */
static char *run(const struct fixture *fixture, const char *script)
{
    struct error err;
    const char *const arguments[] = {"sh", "-c", script, NULL};
    owned(sandbox) struct sandbox *sandbox = NULL;
    int output;

    assert_ok(start(fixture, arguments, NULL, &sandbox, &output, &err));
    char *said = read_all(output);
    assert_ended_with(sandbox, 0);
    return said;
}

static void the_program_is_what_and_where_it_should_be(void **state)
{
    static const struct {
        const char *script, *output;
    } cases[] = {
        {"echo $$", "1\n"},
        {"id -u; id -g", "993\n993\n"},
        {"grep Cap[IPEA] /proc/self/status | tr -d '\\t'",
         "CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\n"
         "CapAmb:0000000000000000\n"},
        {"grep NoNewPrivs /proc/self/status | tr -d '\\t'", "NoNewPrivs:1\n"},
        {"pwd; echo $GREETING; echo $PATH", "/\nhello\n/nowhere:/bin\n"},
        {"umask", "0022\n"},
        {"cat; echo end of input", "end of input\n"},
        {"echo words >/dev/null; head -c 3 /dev/zero | wc -c; head -c 9 /dev/urandom | wc -c",
         "3\n9\n"},
        {"echo one >/dev/stdout; echo two >/dev/stderr; echo three >&2", "one\ntwo\nthree\n"},
        {"cd /proc && echo [0-9]*", "1\n"},
        {"ls / | tr '\\n' ' '", "bin dev etc proc sys tmp "},
        {"stat -c %a /tmp; ls -A /tmp; echo x >/tmp/x; cat /tmp/x", "1777\nx\n"},
        {"ls /proc/self/fd | tr '\\n' ' '", "0 1 2 3 "}, /* 3 is ls's own */
        {"grep Sig[BI] /proc/self/status | tr -d '\\t'",
         "SigBlk:0000000000000000\nSigIgn:0000000000000000\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *output = run(*state, cases[i].script);
        if (strcmp(output, cases[i].output) != 0)
            fail_msg("'%s': %s", cases[i].script, output);
    }
}

static void what_changes_the_image_or_the_machine_is_refused(void **state)
{
    static const char *const scripts[] = {
        "touch /new",
        "touch /bin/sh",
        "echo x >/etc/hosts",
        "echo x >/etc/resolv.conf",
        "rm /bin/sh",
        "touch /dev/new",
        "chmod 777 /bin",
        "mount -o remount,rw /",
        "mount -t tmpfs none /bin",
        "umount /proc",
        "mknod /tmp/null c 1 3",
        "echo 1 >/proc/sys/kernel/panic",
        "echo b >/proc/sysrq-trigger",
        "chroot / /bin/sh -c true",
        "hostname other",
        "chown 0 /tmp",
        "chown 33:33 /tmp/said",
        "ls /proc/1/root/home", /* the machine's files are nowhere */
    };

    for (size_t i = 0; i < COUNT(scripts); i++) {
        owned(memory) char *script =
            text_format("(%s) >/tmp/said 2>&1 && echo done || echo refused", scripts[i]);
        owned(memory) char *output = run(*state, script);
        if (strcmp(output, "refused\n") != 0)
            fail_msg("'%s': %s", scripts[i], output);
    }
}

static void tmp_has_the_size_it_is_given(void **state)
{
    struct fixture *fixture = *state;

    fixture->tmp_mib = 7;
    owned(memory) char *output = run(fixture, "df -k /tmp | tail -n 1 | tr -s ' '");
    assert_non_null(strstr(output, " 7168 0 7168 "));
}

static void each_start_has_a_fresh_tmp(void **state)
{
    for (int i = 0; i < 2; i++) {
        owned(memory) char *output = run(*state, "ls -A /tmp; echo x >/tmp/left");
        assert_string_equal(output, "");
    }
}

static void the_exit_status_is_told(void **state)
{
    struct error err;
    const char *const arguments[] = {"/bin/sh", "-c", "exit 7", NULL};
    owned(sandbox) struct sandbox *sandbox = NULL;
    int output;

    assert_ok(start(*state, arguments, "/tmp", &sandbox, &output, &err));
    assert_ended_with(sandbox, 7);
    close(output);
}

static void the_end_takes_everybody_along(void **state)
{
    struct error err;
    const char *const arguments[] = {
        "sh", "-c", "(trap '' TERM; sleep 1000) & (setsid sleep 1000) & echo up; wait", NULL};
    owned(sandbox) struct sandbox *sandbox = NULL;
    int status, output;
    char up[3];

    assert_ok(start(*state, arguments, NULL, &sandbox, &output, &err));
    assert_int_equal(read(output, up, sizeof up), 3);
    sandbox_end(sandbox, &status);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(read(output, up, sizeof up), 0); /* nobody has the other end any more */
    close(output);
}

static void what_cannot_be_run_is_named(void **state)
{
    static const struct {
        const char *program, *folder;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {"/bin/nothing", NULL, ERROR_INVALID, "/bin/nothing: No such file or directory"},
        {"nothing", NULL, ERROR_INVALID, "nothing: No such file or directory"},
        {"/bin/text", NULL, ERROR_INVALID, "/bin/text: Exec format error"},
        {"text", NULL, ERROR_INVALID, "text: Exec format error"},
        {"/etc", NULL, ERROR_INVALID, "/etc: Permission denied"},
        {"sh", "/missing", ERROR_SYSTEM, "working directory '/missing': No such file"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const char *const arguments[] = {cases[i].program, NULL};
        struct sandbox *sandbox = NULL;
        int output;
        assert_fails(start(*state, arguments, cases[i].folder, &sandbox, &output, &err),
                     cases[i].kind, cases[i].words);
        assert_null(sandbox);
    }
}

static void a_planted_link_leads_nowhere_outside(void **state)
{
    struct fixture *fixture = *state;
    owned(memory) char *tmp = text_format("%s/tmp", fixture->root);
    owned(memory) char *hosts = text_format("%s/etc/hosts", fixture->root);

    assert_int_equal(rmdir(tmp), 0);
    assert_int_equal(symlink("../../../../sys", tmp), 0);
    assert_int_equal(unlink(hosts), 0);
    assert_int_equal(symlink("/missing/hosts", hosts), 0);
    owned(memory) char *output = run(fixture, "ls -A /sys/; echo x >/sys/x; ls /tmp/");
    assert_string_equal(output, "x\n");
    assert_int_not_equal(access("/sys/x", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_program_is_what_and_where_it_should_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_changes_the_image_or_the_machine_is_refused,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(tmp_has_the_size_it_is_given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_start_has_a_fresh_tmp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_exit_status_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_end_takes_everybody_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_run_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_planted_link_leads_nowhere_outside, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
