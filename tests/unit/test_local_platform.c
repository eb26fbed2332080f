/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of this machine: made, found and removed without a trace, whatever broke, was
 * killed or was planted before.
 */
#include "lambda/local/local_platform.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/local/functions.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/copy.h"
#include "oci/layout.h"
#include "tests/support/faulty_store.h"
#include "tests/support/recorded_progress.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static time_t fixed_now(struct clock *self)
{
    (void)self;
    return 1700000000;
}

static const struct clock_ops fixed_ops = {.now = fixed_now};
static struct clock fixed_clock = {&fixed_ops};

struct fixture {
    char *source_folder, *folder;
    struct layout *source;
    struct document image; /* for linux/amd64, in `source` */
    struct recorded_progress progress;
    struct platform *platform;
};

static void open_platform(struct fixture *fixture)
{
    struct error err;
    struct local_options options = {
        .folder = fixture->folder,
        .clock = &fixed_clock,
        .progress = &fixture->progress.progress,
        .machine = {.os = "linux", .architecture = "amd64"},
    };

    platform_free(fixture->platform);
    assert_ok(local_platform_open(&options, &fixture->platform, &err));
}

static const struct event empty_event = {.payload = "{}", .count = 2};

/* Its config is made for each test. */
static struct definition sample_definition = {
    .name = "moo", .delete_image = true, .memory_mib = 256, .timeout_s = 7, .image = "base"};

static int set_up(void **state)
{
    struct error err;
    struct fixture *fixture = memory_new(1, sizeof *fixture);
    char *parent = temp_folder();

    sample_definition.config = json_object();
    *state = fixture;
    fixture->source_folder = parent;
    fixture->folder = text_format("%s/data", parent);
    owned(memory) char *images = text_format("%s/source", parent);
    assert_ok(layout_open(images, true, &fixture->source, &err));
    fixture->image = sample_image(fixture->source, "base", "linux/amd64", NULL);
    recorded_progress_init(&fixture->progress);
    open_platform(fixture);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    platform_free(fixture->platform);
    json_decref((json_t *)sample_definition.config);
    recorded_progress_release(&fixture->progress);
    document_release(&fixture->image);
    layout_free(fixture->source);
    temp_folder_remove(fixture->source_folder);
    free(fixture->folder);
    free(fixture);
    return 0;
}

static bool push(struct fixture *fixture, const struct definition *definition,
                 struct store *from, const struct document *image, char **image_uri,
                 struct error *err)
{
    owned(platform_repository) struct platform_repository repository = {0};
    const struct copy_options options = {.progress = &progress_none};
    struct copy_summary summary;
    struct digest_text digest = digest_format(&image->descriptor.digest);

    if (!fixture->platform->ops->open_repository(fixture->platform, definition, true,
                                                 &repository, err) ||
        !image_copy(from, digest.text, repository.store, "latest", &options, &summary, err))
        return false;
    *image_uri = text_format("%s@%s", repository.uri, digest.text);
    return true;
}

/* What deploying does with a platform. */
static bool deploy(struct fixture *fixture, const struct definition *definition,
                   struct store *from, const struct document *image, struct error *err)
{
    struct platform *platform = fixture->platform;
    owned(memory) char *image_uri = NULL;
    owned(memory) char *arn = NULL;

    if (!push(fixture, definition, from, image, &image_uri, err))
        return false;
    const struct platform_change change = {.definition = definition, .image_uri = image_uri};
    return platform->ops->create(platform, &change, &arn, err);
}

static bool deploy_sample(struct fixture *fixture, const char *name, struct error *err)
{
    struct definition definition = sample_definition;

    definition.name = name;
    return deploy(fixture, &definition, layout_store(fixture->source), &fixture->image, err);
}

static bool has(struct fixture *fixture, const char *name)
{
    struct error err;
    struct definition definition = sample_definition;
    owned(platform_function) struct platform_function found = {0};

    definition.name = name;
    assert_ok(fixture->platform->ops->find(fixture->platform, &definition, &found, &err));
    return found.exists;
}

static bool remove_function(struct fixture *fixture, const char *name, struct error *err)
{
    return fixture->platform->ops->remove(fixture->platform, name, err);
}

static char *path_of(const struct fixture *fixture, const char *name)
{
    return text_format("%s/%s", fixture->folder, name);
}

static bool is_there(const struct fixture *fixture, const char *name)
{
    owned(memory) char *path = path_of(fixture, name);

    return file_exists(path);
}

static void plant_file(const struct fixture *fixture, const char *name, const char *text)
{
    struct error err;
    owned(memory) char *path = path_of(fixture, name);

    assert_ok(file_write(path, 0644, text, strlen(text), &err));
}

static void plant_folder(const struct fixture *fixture, const char *name)
{
    struct error err;
    owned(memory) char *path = path_of(fixture, name);

    assert_ok(folder_make(path, &err));
}

static int files_seen;

static int count_file(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)path, (void)status, (void)at;
    files_seen += type != FTW_D;
    return 0;
}

static int count_files(const struct fixture *fixture)
{
    files_seen = 0;
    nftw(fixture->folder, count_file, 16, FTW_PHYS);
    return files_seen;
}

/* lock, images/oci-layout and images/index.json stay. */
enum { EMPTY_FILES = 3 };

static void a_function_is_made_found_and_removed_without_a_trace(void **state)
{
    struct fixture *fixture = *state;
    struct error err;

    assert_false(has(fixture, "moo"));
    assert_int_equal(count_files(fixture), 0); /* looking makes nothing */
    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_true(has(fixture, "moo"));
    assert_ok(remove_function(fixture, "moo", &err));
    assert_false(has(fixture, "moo"));
    assert_int_equal(count_files(fixture), EMPTY_FILES);
    assert_non_null(strstr(text_string(&fixture->progress.steps), "'moo'"));
}

static void what_an_update_leaves_behind_is_swept(void **state)
{
    struct fixture *fixture = *state;
    const struct platform_ops *ops = fixture->platform->ops;
    struct error err;
    owned(document) struct document other =
        sample_image(fixture->source, "other", "linux/arm64", NULL);
    owned(memory) char *image_uri = NULL;
    owned(memory) char *arn = NULL;
    owned(memory) char *same_arn = NULL;
    owned(memory) char *former = text_format(
        "images/blobs/sha256/%s", digest_format(&fixture->image.descriptor.digest).text + 7);

    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_true(is_there(fixture, former));
    assert_ok(push(fixture, &sample_definition, layout_store(fixture->source), &other,
                   &image_uri, &err));
    const struct platform_change change = {.definition = &sample_definition,
                                           .image_uri = image_uri};
    assert_ok(ops->update(fixture->platform, &change, &arn, &err));
    assert_false(is_there(fixture, former));
    assert_ok(ops->update(fixture->platform, &change, &same_arn, &err));
    assert_string_equal(text_string(&fixture->progress.steps),
                        "Function 'moo' updated.\n"
                        "Function 'moo' is as the definition has it.\n");
    /* There is nothing to take back but a creation. */
    assert_ok(remove_function(fixture, "moo", &err));
    assert_fails(ops->update(fixture->platform, &change, &same_arn, &err), ERROR_NOT_FOUND,
                 "update function 'moo': no function 'moo'");
}

/* How many images have a name. */
static size_t count_tags(struct fixture *fixture)
{
    owned(memory) char *path = text_format("%s/images/index.json", fixture->folder);
    owned(memory) char *bytes = NULL;
    json_owned json_t *index = NULL;
    size_t count;
    struct error err;

    assert_ok(file_read(path, 1 << 20, &bytes, &count, &err));
    assert_ok(json_parse(bytes, count, &index, &err));
    return json_array_size(json_object_get(index, "manifests"));
}

static void who_is_killed_before_the_record_is_written_keeps_the_old_image(void **state)
{
    struct fixture *fixture = *state;
    owned(document) struct document other =
        sample_image(fixture->source, "other", "linux/amd64", "{\"Cmd\":[\"x\"]}");
    owned(memory) char *image_uri = NULL;
    owned(memory) char *arn = NULL;
    struct definition definition = sample_definition;
    struct error err;

    definition.name = "moo";
    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_ok(deploy_sample(fixture, "neighbour", &err));
    open_platform(fixture);
    assert_ok(
        push(fixture, &definition, layout_store(fixture->source), &other, &image_uri, &err));
    open_platform(fixture); /* killed; and then somebody sweeps */
    assert_ok(fixture->platform->ops->remove(fixture->platform, "neighbour", &err));

    const struct digest *digests[] = {&fixture->image.descriptor.digest,
                                      &other.descriptor.digest};
    for (size_t i = 0; i < COUNT(digests); i++) {
        owned(memory) char *path = text_format("%s/images", fixture->folder);
        struct layout *layout = NULL;
        owned(document) struct document found = {0};
        assert_ok(layout_open(path, false, &layout, &err));
        assert_ok(
            store_resolve(layout_store(layout), digest_format(digests[i]).text, &found, &err));
        layout_free(layout);
    }
    /* Going on takes the former image along. */
    const struct platform_change change = {.definition = &definition, .image_uri = image_uri};
    assert_ok(fixture->platform->ops->update(fixture->platform, &change, &arn, &err));
    assert_int_equal(count_tags(fixture), 1);
}

static void the_record_says_what_the_definition_said(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    owned(function_record) struct function_record record = {0};
    json_owned json_t *variables = json_pack("{s:s}", "MOOD", "good");
    json_owned json_t *config =
        json_pack("{s:s, s:{s:s}}", "name", "moo", "container", "image", "base");
    struct definition definition = sample_definition;
    definition.environment = variables;
    definition.config = config;
    definition.region = "eu-central-1";

    assert_ok(
        deploy(fixture, &definition, layout_store(fixture->source), &fixture->image, &err));
    assert_ok(functions_read(fixture->folder, "moo", &record, &err));
    owned(memory) char *uri = text_format(
        "skiff.local/moo@%s", digest_format(&fixture->image.descriptor.digest).text);
    assert_string_equal(record.name, "moo");
    assert_string_equal(record.image_uri, uri);
    assert_true(digest_equal(&record.image, &fixture->image.descriptor.digest));
    assert_string_equal(record.region, "eu-central-1");
    assert_int_equal(record.memory_mib, 256);
    assert_int_equal(record.timeout_s, 7);
    assert_string_equal(json_optional_string(record.environment, "MOOD"), "good");
    assert_string_equal(json_optional_string(record.environment, "IMAGE_ID"), uri);

    owned(memory) char *fdl = NULL;
    size_t count;
    assert_ok(
        base64_decode(json_optional_string(record.environment, "FDL"), &fdl, &count, &err));
    owned(memory) char *expected =
        text_format("{\"container\":{\"image\":\"%s\"},\"name\":\"moo\"}", uri);
    assert_string_equal(fdl, expected);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(config, "container"), "image")),
        "base");
}

static void a_name_is_taken_once(void **state)
{
    struct fixture *fixture = *state;
    struct error err;

    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_fails(deploy_sample(fixture, "moo", &err), ERROR_CONFLICT, "'moo' exists already");
    owned(memory) char *uri = text_format(
        "skiff.local/moo@%s", digest_format(&fixture->image.descriptor.digest).text);
    const struct platform_change change = {.definition = &sample_definition, .image_uri = uri};
    char *arn = NULL;
    assert_fails(fixture->platform->ops->create(fixture->platform, &change, &arn, &err),
                 ERROR_CONFLICT, "'moo' exists already");
    assert_ok(remove_function(fixture, "moo", &err));
    assert_ok(deploy_sample(fixture, "moo", &err));
}

static void what_is_not_there_is_said_and_made_by_nobody(void **state)
{
    struct fixture *fixture = *state;
    const struct platform_ops *ops = fixture->platform->ops;
    struct error err;
    struct invocation invocation;

    assert_fails(remove_function(fixture, "moo", &err), ERROR_NOT_FOUND,
                 "no function 'moo' on this machine");
    assert_fails(ops->invoke(fixture->platform, "moo", &empty_event, &invocation, &err),
                 ERROR_NOT_FOUND, "no function 'moo' on this machine");
    assert_int_equal(count_files(fixture), 0);
}

static void names_that_are_paths_are_refused(void **state)
{
    struct fixture *fixture = *state;
    const struct platform_ops *ops = fixture->platform->ops;
    static const char *const names[] = {"../moo", "a/b", ".", "", "moo.json"};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct error err;
        struct invocation invocation;
        struct platform_repository repository;
        struct definition definition = sample_definition;
        struct platform_function found;

        definition.name = names[i];
        assert_fails(ops->find(fixture->platform, &definition, &found, &err), ERROR_USAGE,
                     names[i]);
        assert_fails(ops->invoke(fixture->platform, names[i], &empty_event, &invocation, &err),
                     ERROR_USAGE, names[i]);
        assert_fails(remove_function(fixture, names[i], &err), ERROR_USAGE, names[i]);
        assert_fails(
            ops->open_repository(fixture->platform, &definition, true, &repository, &err),
            ERROR_USAGE, names[i]);
    }
    assert_int_equal(count_files(fixture), 0);
}

static void the_image_is_named_by_digest_and_has_arrived(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *uri;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {"skiff.local/moo:latest", ERROR_INVALID, "not named by digest"},
        {"skiff.local/moo@sha256:12", ERROR_INVALID, "sha256:12"},
        {"skiff.local/moo@sha256:"
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
         ERROR_NOT_FOUND, "no manifest sha256:e3b0"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const struct platform_change change = {.definition = &sample_definition,
                                               .image_uri = cases[i].uri};
        char *arn = NULL;
        assert_fails(fixture->platform->ops->create(fixture->platform, &change, &arn, &err),
                     cases[i].kind, cases[i].words);
        assert_false(has(fixture, "moo"));
    }
}

static void functions_do_not_share_a_tag(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    owned(document) struct document other =
        sample_image(fixture->source, "other", "linux/arm64", NULL);
    struct definition definition = sample_definition;
    definition.name = "baa";

    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_ok(deploy(fixture, &definition, layout_store(fixture->source), &other, &err));
    assert_ok(remove_function(fixture, "baa", &err));

    owned(memory) char *path = path_of(fixture, "images");
    owned(layout) struct layout *images = NULL;
    owned(document) struct document found = {0};
    assert_ok(layout_open(path, false, &images, &err));
    assert_ok(store_resolve(layout_store(images), "moo", &found, &err));
    assert_true(digest_equal(&found.descriptor.digest, &fixture->image.descriptor.digest));
}

/* Lets every call to the source in turn be the one that fails, until none does. */
static void an_init_may_break_anywhere_and_is_begun_again(void **state)
{
    struct fixture *fixture = *state;
    bool deployed = false;

    for (int calls = 0; !deployed; calls++) {
        struct error err;
        struct faulty_store source;
        faulty_store_init(&source, layout_store(fixture->source));
        source.calls_left = calls;

        deployed = deploy(fixture, &sample_definition, &source.store, &fixture->image, &err);
        open_platform(fixture); /* the next skiff, on what this one left */
        assert_int_equal(has(fixture, "moo"), deployed);
        if (deployed)
            break;
        assert_int_equal(err.kind, ERROR_NETWORK);
        assert_ok(deploy_sample(fixture, "moo", &err));
        assert_ok(remove_function(fixture, "moo", &err));
        assert_int_equal(count_files(fixture), EMPTY_FILES);
        assert_in_range(calls, 0, 50);
    }
}

static void what_a_broken_init_left_can_be_removed(void **state)
{
    struct fixture *fixture = *state;
    bool deployed = false;

    for (int calls = 0; !deployed; calls++) {
        struct error err;
        struct faulty_store source;
        faulty_store_init(&source, layout_store(fixture->source));
        source.calls_left = calls;

        deployed = deploy(fixture, &sample_definition, &source.store, &fixture->image, &err);
        open_platform(fixture);
        if (deployed)
            break;
        assert_fails(remove_function(fixture, "moo", &err), ERROR_NOT_FOUND,
                     "no function 'moo' on this machine");
        assert_in_range(count_files(fixture), 0, EMPTY_FILES);
        assert_in_range(calls, 0, 50);
    }
}

static void rubbish_of_the_killed_is_swept(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    char needed[128];

    snprintf(needed, sizeof needed, "roots/%s",
             digest_format(&fixture->image.descriptor.digest).text + strlen("sha256:"));
    assert_ok(deploy_sample(fixture, "moo", &err));
    plant_folder(fixture, needed);
    plant_folder(fixture, "roots/.new-abcdef/bin");
    plant_folder(fixture, "roots/0123456789/bin");
    plant_file(fixture, "images/.new-abcdef", "half");
    plant_file(fixture, "images/blobs/sha256/.new-abcdef", "half");
    plant_file(fixture, "functions/.new-abcdef", "half");

    assert_ok(deploy_sample(fixture, "baa", &err)); /* on the same image */
    assert_true(is_there(fixture, needed));
    assert_false(is_there(fixture, "roots/.new-abcdef"));
    assert_false(is_there(fixture, "roots/0123456789"));
    assert_false(is_there(fixture, "images/.new-abcdef"));
    assert_false(is_there(fixture, "images/blobs/sha256/.new-abcdef"));
    assert_false(is_there(fixture, "functions/.new-abcdef"));

    assert_ok(remove_function(fixture, "moo", &err));
    assert_true(is_there(fixture, needed));
    assert_ok(remove_function(fixture, "baa", &err));
    assert_false(is_there(fixture, needed));
    assert_int_equal(count_files(fixture), EMPTY_FILES);
}

static void a_broken_record_is_named_and_can_be_removed(void **state)
{
    struct fixture *fixture = *state;
    static const char *const records[] = {"", "{", "[]", "{\"name\":\"moo\"}",
                                          "{\"name\":\"moo\",\"imageUri\":\"x\",\"image\":3}"};

    for (size_t i = 0; i < COUNT(records); i++) {
        struct error err;
        struct invocation invocation;
        assert_ok(deploy_sample(fixture, "moo", &err));
        plant_file(fixture, "functions/moo.json", records[i]);
        plant_folder(fixture, "roots/0123456789");
        assert_fails(fixture->platform->ops->invoke(fixture->platform, "moo", &empty_event,
                                                    &invocation, &err),
                     ERROR_INVALID, "functions/moo.json");
        assert_ok(deploy_sample(fixture, "baa", &err));
        assert_true(is_there(fixture, "roots/0123456789")); /* it may be moo's */
        assert_ok(remove_function(fixture, "baa", &err));
        assert_ok(remove_function(fixture, "moo", &err));
        assert_int_equal(count_files(fixture), EMPTY_FILES);
        assert_false(is_there(fixture, "roots/0123456789"));
    }
}

static void a_lost_image_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    struct invocation invocation;
    owned(memory) char *blob =
        text_format("%s/images/blobs/sha256/%s", fixture->folder,
                    digest_format(&fixture->image.descriptor.digest).text + strlen("sha256:"));

    assert_ok(deploy_sample(fixture, "moo", &err));
    assert_int_equal(unlink(blob), 0);
    assert_fails(fixture->platform->ops->invoke(fixture->platform, "moo", &empty_event,
                                                &invocation, &err),
                 ERROR_NOT_FOUND, "the image of function 'moo' is gone");
    assert_ok(remove_function(fixture, "moo", &err));
}

/* The sample image's command is a shell that is not in it. */
static void a_missing_program_is_the_functions_failure(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    owned(invocation) struct invocation invocation = {0};

    assert_ok(deploy_sample(fixture, "moo", &err));
    if (!fixture->platform->ops->invoke(fixture->platform, "moo", &empty_event, &invocation,
                                        &err)) {
        assert_int_equal(err.kind, ERROR_DENIED);
        print_message("skipped: %s\n", err.text);
        skip();
    }
    assert_true(invocation.failed);
    assert_non_null(strstr(invocation.payload, "\"errorType\":\"Runtime.InvalidEntrypoint\""));
    assert_non_null(strstr(invocation.payload, "fork/exec /bin/sh: no such file or directory"));
    assert_non_null(strstr(invocation.payload, invocation.request_id));
    assert_string_equal(invocation.log_group, "/aws/lambda/moo");
    assert_memory_equal(invocation.log_stream, "2023/11/14/[$LATEST]", 20);
    assert_memory_equal(invocation.log_tail, "INIT_REPORT Init Duration: ", 27);
    assert_non_null(strstr(invocation.log_tail, "\nSTART RequestId: "));
    assert_non_null(strstr(invocation.log_tail, "\nREPORT RequestId: "));
    assert_true(is_there(fixture, "functions/moo.log"));
    assert_ok(remove_function(fixture, "moo", &err));
    assert_int_equal(count_files(fixture), EMPTY_FILES);
}

static void two_skiffs_take_turns(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    int lock;

    assert_ok(functions_lock(fixture->folder, &progress_none, &lock, &err));
    pid_t other = fork();
    if (other == 0) {
        close(lock); /* which the parent still has */
        _exit(deploy_sample(fixture, "moo", &err) ? 0 : 1);
    }
    usleep(50 * 1000);
    assert_false(functions_has(fixture->folder, "moo"));
    close(lock);
    int status;
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    assert_true(functions_has(fixture->folder, "moo"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_function_is_made_found_and_removed_without_a_trace),
        TEST(what_an_update_leaves_behind_is_swept),
        TEST(who_is_killed_before_the_record_is_written_keeps_the_old_image),
        TEST(the_record_says_what_the_definition_said),
        TEST(a_name_is_taken_once),
        TEST(what_is_not_there_is_said_and_made_by_nobody),
        TEST(names_that_are_paths_are_refused),
        TEST(the_image_is_named_by_digest_and_has_arrived),
        TEST(functions_do_not_share_a_tag),
        TEST(an_init_may_break_anywhere_and_is_begun_again),
        TEST(what_a_broken_init_left_can_be_removed),
        TEST(rubbish_of_the_killed_is_swept),
        TEST(a_broken_record_is_named_and_can_be_removed),
        TEST(a_lost_image_is_said),
        TEST(a_missing_program_is_the_functions_failure),
        TEST(two_skiffs_take_turns),
    };
    return cmocka_run_group_tests_name("local_platform", tests, NULL, NULL);
}
