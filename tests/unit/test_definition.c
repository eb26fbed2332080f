/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Definitions: the files SCAR's users have are read as they mean them, what is
 * wrong is said with its place in the file, and what the function is told has
 * nothing of this machine in it.
 *
 * testdata/definitions/good has a file of expected configs beside each
 * definition and the warnings in its first lines ("# warns: 3:9: …"); each of
 * testdata/definitions/bad begins with what is wrong ("# expect: 3:9: …").
 */
#include "lambda/definition.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "lambda/definition_rules.h"
#include "lambda/function_environment.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/recorded_progress.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

#define GOOD "testdata/definitions/good"
#define BAD "testdata/definitions/bad"

static const struct definition_options no_options = {0};

static bool read_quietly(const char *path, const struct definition_options *options,
                         struct definition_file *out, struct error *err)
{
    return definition_file_read(path, options, &progress_none, out, err);
}

static void read_text(const char *path, char **text)
{
    struct error err;
    size_t count;

    assert_ok(file_read(path, 1024 * 1024, text, &count, &err));
}

/* Calls `check` for every .yaml file of the folder. */
static void walk(const char *folder, void (*check)(const char *path, const char *text))
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    int checked = 0;

    assert_non_null(open);
    while ((entry = readdir(open))) {
        if (!strstr(entry->d_name, ".yaml"))
            continue;
        owned(memory) char *path = text_format("%s/%s", folder, entry->d_name);
        owned(memory) char *text = NULL;
        read_text(path, &text);
        check(path, text);
        checked++;
    }
    closedir(open);
    assert_true(checked > 4);
}

/* The warnings announced in the first lines, as they will be given. */
static char *announced_warnings(const char *path, const char *text)
{
    static const char mark[] = "# warns: ";
    struct text warnings = {0};

    while (strncmp(text, mark, sizeof mark - 1) == 0) {
        text += sizeof mark - 1;
        size_t length = strcspn(text, "\n");
        text_addf(&warnings, "%s:%.*s\n", path, (int)length, text);
        text += length + 1;
    }
    return text_take(&warnings);
}

static char *expected_configs(const char *path)
{
    owned(memory) char *expected_path =
        text_format("%.*s.json", (int)(strlen(path) - strlen(".yaml")), path);
    owned(memory) char *text = NULL;
    struct error err;
    json_owned json_t *json = NULL;

    read_text(expected_path, &text);
    assert_ok(json_parse(text, strlen(text), &json, &err));
    return json_text(json);
}

static void check_good(const char *path, const char *text)
{
    struct error err;
    owned(definition_file) struct definition_file file = {0};
    owned(recorded_progress) struct recorded_progress recorded;
    owned(memory) char *warnings = announced_warnings(path, text);
    owned(memory) char *expected = expected_configs(path);
    json_owned json_t *configs = json_array();

    recorded_progress_init(&recorded);
    assert_ok(definition_file_read(path, &no_options, &recorded.progress, &file, &err));
    assert_string_equal(text_string(&recorded.warnings), warnings);
    for (size_t i = 0; i < file.function_count; i++)
        json_array_append(configs, (json_t *)file.functions[i].config);
    owned(memory) char *found = json_text(configs);
    assert_string_equal(found, expected);
}

static void good_definitions_give_the_configs_beside_them(void **state)
{
    (void)state;
    walk(GOOD, check_good);
}

static void check_bad(const char *path, const char *text)
{
    static const char mark[] = "# expect: ";
    struct error err;
    struct definition_file file = {0};

    assert_int_equal(strncmp(text, mark, sizeof mark - 1), 0);
    text += sizeof mark - 1;
    owned(memory) char *expected = text_format("%s:%.*s", path, (int)strcspn(text, "\n"), text);

    assert_false(read_quietly(path, &no_options, &file, &err));
    assert_string_equal(err.text, expected);
    bool is_missing_file = strstr(expected, "No such file") != NULL;
    assert_int_equal(err.kind, is_missing_file ? ERROR_NOT_FOUND : ERROR_USAGE);
}

static void bad_definitions_are_refused_with_their_place(void **state)
{
    (void)state;
    walk(BAD, check_bad);
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct error err;
    owned(definition_file) struct definition_file file = {0};

    assert_ok(read_quietly(GOOD "/cowsay.yaml", &no_options, &file, &err));
    const struct definition *cowsay = &file.functions[0];

    assert_int_equal(file.function_count, 1);
    assert_string_equal(cowsay->name, "cowsay");
    assert_string_equal(cowsay->image, "grycap/cowsay");
    assert_string_equal(cowsay->description, "Automatically generated lambda function");
    assert_int_equal(cowsay->memory_mib, 512);
    assert_int_equal(cowsay->timeout_s, 300);
    assert_int_equal(cowsay->log_retention_days, 30);
    assert_int_equal(cowsay->architecture_count, 1);
    assert_string_equal(cowsay->architectures[0].architecture, "amd64");
    assert_int_equal(json_object_size(cowsay->environment), 0);
    assert_int_equal(json_object_size(cowsay->container_environment), 0);
    assert_int_equal(json_object_size(cowsay->tags), 0);
    assert_true(cowsay->delete_image);
    assert_false(cowsay->image_is_prepared);
    assert_null(cowsay->role);
    assert_null(cowsay->region);
    assert_null(cowsay->script);
    assert_null(cowsay->script_name);
    assert_null(cowsay->vpc);
    assert_null(cowsay->file_system);
}

static void every_key_in_use_arrives(void **state)
{
    (void)state;
    struct error err;
    owned(definition_file) struct definition_file file = {0};

    assert_ok(read_quietly(GOOD "/every-key.yaml", &no_options, &file, &err));
    const struct definition *full = &file.functions[0];

    assert_string_equal(full->region, "eu-west-1");
    assert_string_equal(full->role, "arn:aws:iam::123456789012:role/lambda/runner");
    assert_string_equal(full->script, GOOD "/./script.sh");
    assert_string_equal(full->script_name, "script.sh");
    assert_int_equal(full->memory_mib, 1024);
    assert_int_equal(full->timeout_s, 90);
    assert_int_equal(full->log_retention_days, 7);
    assert_int_equal(full->architecture_count, 2);
    assert_string_equal(full->architectures[0].architecture, "arm64");
    assert_string_equal(full->architectures[1].architecture, "amd64");
    assert_string_equal(json_optional_string(full->environment, "KEY2"), "2");
    assert_string_equal(json_optional_string(full->tags, "year"), "2024");
    owned(memory) char *vpc = json_text(full->vpc);
    assert_string_equal(vpc, "{\"SecurityGroupIds\":[\"sg-12345678\"],"
                             "\"SubnetIds\":[\"subnet-12345\",\"subnet-67891\"]}");
    owned(memory) char *file_system = json_text(full->file_system);
    assert_string_equal(file_system,
                        "[{\"Arn\":\"arn:aws:elasticfilesystem:eu-west-1:123456789012:"
                        "access-point/fsap-1\",\"LocalMountPath\":\"/mnt/data\"}]");
}

static void options_win_over_the_file(void **state)
{
    (void)state;
    struct error err;
    owned(definition_file) struct definition_file file = {0};
    const char *const environment[] = {"GREETING=a=b", "EMPTY=", NULL};
    const char *const function_environment[] = {"AB=c", NULL};
    const struct definition_options options = {
        .image = "debian",
        .name = "other",
        .script = GOOD "/script.sh",
        .description = "mine",
        .role = "arn:aws:iam::123456789012:role/r",
        .region = "us-west-2",
        .log_level = "debug",
        .memory_mib = 256,
        .timeout_s = 20,
        .environment = environment,
        .function_environment = function_environment,
    };

    assert_ok(read_quietly(GOOD "/basic-cow.yaml", &options, &file, &err));
    const struct definition *cow = &file.functions[0];

    assert_string_equal(cow->image, "debian");
    assert_string_equal(cow->name, "other");
    assert_string_equal(cow->script, GOOD "/script.sh"); /* not from the file's folder */
    assert_string_equal(cow->description, "mine");
    assert_string_equal(cow->role, "arn:aws:iam::123456789012:role/r");
    assert_string_equal(cow->region, "us-west-2");
    assert_int_equal(cow->memory_mib, 256);
    assert_int_equal(cow->timeout_s, 20);
    assert_string_equal(json_optional_string(cow->container_environment, "GREETING"), "a=b");
    assert_string_equal(json_optional_string(cow->container_environment, "EMPTY"), "");
    assert_string_equal(json_optional_string(cow->container_environment, "COUNT"), "45");
    assert_string_equal(json_optional_string(cow->environment, "AB"), "c");
    assert_string_equal(json_optional_string(cow->config, "log_level"), "DEBUG");
    assert_string_equal(json_optional_string(cow->config, "name"), "other");
}

static void options_alone_make_a_definition(void **state)
{
    (void)state;
    struct error err;
    owned(definition_file) struct definition_file file = {0};
    const struct definition_options options = {.image = "alpine", .name_is_optional = true};

    assert_ok(read_quietly(NULL, &options, &file, &err));
    assert_int_equal(file.function_count, 1);
    assert_null(file.functions[0].name);
    assert_null(json_object_get(file.functions[0].config, "name"));
}

static void bad_options_are_refused_by_their_name(void **state)
{
    (void)state;
    const char *const no_value[] = {"NAME", NULL};
    const char *const reserved[] = {"AWS_REGION=x", NULL};
    const char *const not_text[] = {"PASSWORD=secret\xff", NULL};
    const struct {
        struct definition_options options;
        const char *reason;
    } cases[] = {
        {{.name = "f"}, "--image is missing"},
        {{.image = "alpine"}, "--name is missing"},
        {{.image = "alpine", .name = "a b"}, "--name: a function is called"},
        {{.image = "ALPINE", .name = "f"}, "--image: "},
        {{.image = "alpine", .name = "f", .memory_mib = 64},
         "--memory: expected 128 to 10240 MiB, found 64"},
        {{.image = "alpine", .name = "f", .timeout_s = -1}, "--timeout: expected 1 to 900"},
        {{.image = "alpine", .name = "f", .log_level = "loud"}, "--log-level: expected DEBUG"},
        {{.image = "alpine", .name = "f", .role = "r"}, "--iam-role: expected the ARN"},
        {{.image = "alpine", .name = "f", .region = "../x"}, "--region: expected a region"},
        {{.image = "alpine", .name = "f", .script = "/"},
         "--init-script: '/' is not a regular file"},
        {{.image = "alpine", .name = "f", .description = "\xff"}, "--description: not UTF-8"},
        {{.image = "alpine", .name = "f", .environment = no_value},
         "--environment: 'NAME' is neither NAME=value nor set"},
        {{.image = "alpine", .name = "f", .function_environment = reserved},
         "--lambda-environment: Lambda keeps the variable AWS_REGION"},
        {{.image = "alpine", .name = "f", .environment = not_text},
         "--environment: the value of PASSWORD is not UTF-8"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct definition_file file = {0};
        assert_fails(read_quietly(NULL, &cases[i].options, &file, &err), ERROR_USAGE,
                     cases[i].reason);
        assert_null(strstr(err.text, "secret"));
    }
}

static bool tag_name(const char *text, struct error *err)
{
    return definition_rule_tag(text, "", err);
}

static bool tag_value(const char *text, struct error *err)
{
    return definition_rule_tag("name", text, err);
}

/* As AWS counts; two bytes each. */
static void lengths_are_counted_in_characters(void **state)
{
    (void)state;
    static const struct {
        size_t most;
        const char *before;
        bool (*rule)(const char *text, struct error *err);
    } cases[] = {
        {256, "", definition_rule_description},
        {256, "", tag_value},
        {128, "", tag_name},
        {1000, "/", definition_rule_working_directory},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        owned(text) struct text text = {0};
        text_add(&text, cases[i].before);
        for (size_t n = strlen(cases[i].before); n < cases[i].most; n++)
            text_add(&text, "ä");
        assert_ok(cases[i].rule(text_string(&text), &err));
        text_add(&text, "ä");
        assert_fails(cases[i].rule(text_string(&text), &err), ERROR_USAGE, " characters");
    }
}

static void copies_go_where_they_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *option, *source, *path; /* path NULL: refused, and `source` says why */
    } cases[] = {
        {GOOD ":/opt/data", GOOD, "opt/data"},
        {GOOD "///:opt//./data/", GOOD, "var/task/opt/data"},
        {GOOD ":.", GOOD, "var/task"},
        {GOOD ":/", GOOD, ""},
        {GOOD ":/library", GOOD, "library"},
        {GOOD ":/usr/lib/x", GOOD, "usr/lib/x"},
        {GOOD "/script.sh:/opt/", GOOD "/script.sh", "opt/script.sh"},
        {GOOD "/script.sh:/opt/.", GOOD "/script.sh", "opt/script.sh"},
        {GOOD "/script.sh:/", GOOD "/script.sh", "script.sh"},
        {GOOD "/script.sh:/opt/other", GOOD "/script.sh", "opt/other"},
        {GOOD "/script.sh:other", GOOD "/script.sh", "var/task/other"},
        {GOOD "/script.sh:.", GOOD "/script.sh", "var/task/script.sh"},
        {GOOD, "--copy: expected SRC:DEST, found", NULL},
        {":/opt", "--copy: expected SRC:DEST, found ':/opt'", NULL},
        {GOOD ":", "--copy: expected a path in the image, found nothing", NULL},
        {GOOD ":/opt/../etc", "--copy: '..' has no place in '/opt/../etc'", NULL},
        {GOOD ":/lib", "/lib is a link to /usr/lib in many images", NULL},
        {GOOD "/script.sh:/bin/", "say /usr/bin", NULL},
        {GOOD ":/var/run/x", "say /run", NULL},
        {GOOD ":/tmp/x", "/tmp is made anew for every function", NULL},
        {GOOD ":/\xff", "--copy: not UTF-8", NULL},
        {"/dev/null:/x", "'/dev/null' is neither a folder nor a file", NULL},
        {"/proc/self/exe:/x", "'/proc/self/exe' is a symbolic link; name what it leads to",
         NULL},
        {"/proc/self/:/x", "'/proc/self' is a symbolic link", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(definition_file) struct definition_file file = {0};
        const char *const copies[] = {cases[i].option, NULL};
        const struct definition_options options = {
            .image = "alpine", .name = "f", .copies = copies};
        bool read = read_quietly(NULL, &options, &file, &err);
        if (!cases[i].path) {
            assert_fails(read, ERROR_USAGE, cases[i].source);
            continue;
        }
        assert_ok(read);
        assert_int_equal(file.functions[0].copy_count, 1);
        assert_string_equal(file.functions[0].copies[0].source, cases[i].source);
        assert_string_equal(file.functions[0].copies[0].path, cases[i].path);
        assert_int_equal(file.functions[0].copies[0].mode, 0);
    }
}

static void copies_of_the_file_come_before_those_of_options(void **state)
{
    (void)state;
    static const struct {
        const char *source, *path;
        unsigned int mode;
    } expected[] = {
        {GOOD "/../bad", "var/task", 0},
        {GOOD "/../bad", "opt/bad", 0},
        {GOOD "/script.sh", "etc/run", 0555},
        {GOOD, "srv", 0},
    };
    struct error err;
    owned(definition_file) struct definition_file file = {0};
    const char *const copies[] = {GOOD ":/srv", NULL};
    const struct definition_options options = {.copies = copies};

    assert_ok(read_quietly(GOOD "/copies.yaml", &options, &file, &err));
    assert_int_equal(file.functions[0].copy_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct definition_copy *copy = &file.functions[0].copies[i];
        assert_string_equal(copy->source, expected[i].source);
        assert_string_equal(copy->path, expected[i].path);
        assert_int_equal(copy->mode, expected[i].mode);
    }
}

static void copies_are_counted(void **state)
{
    (void)state;
    struct error err;
    struct definition_file file = {0};
    const char *copies[COPIES_LIMIT + 2] = {NULL};
    const struct definition_options options = {
        .image = "alpine", .name = "f", .copies = copies};

    for (size_t i = 0; i <= COPIES_LIMIT; i++)
        copies[i] = GOOD ":/x";
    assert_fails(read_quietly(NULL, &options, &file, &err), ERROR_USAGE,
                 "--copy: more than 32");
}

static void an_image_may_come_from_a_file(void **state)
{
    (void)state;
    static const char path[] = GOOD "/image-file.yaml";
    const struct {
        const char *path;
        struct definition_options options;
        const char *image;
    } cases[] = {
        {path, {0}, "docker-archive:" GOOD "/images/base.tar.gz"},
        {path, {.image = "alpine"}, "alpine"},
        {path, {.image_file = "other.tar"}, "docker-archive:other.tar"},
        {NULL, {.image_file = "other.tar", .name = "f"}, "docker-archive:other.tar"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(definition_file) struct definition_file file = {0};
        assert_ok(read_quietly(cases[i].path, &cases[i].options, &file, &err));
        assert_string_equal(file.functions[0].image, cases[i].image);
    }
}

static void one_name_is_not_enough_for_two_functions(void **state)
{
    (void)state;
    struct error err;
    struct definition_file file = {0};
    const struct definition_options options = {.name = "one"};

    assert_fails(read_quietly(GOOD "/two-functions.yaml", &options, &file, &err), ERROR_USAGE,
                 "has 2 functions");
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    struct error err;
    struct definition_file file = {0};

    assert_fails(read_quietly("nowhere.yaml", &no_options, &file, &err), ERROR_NOT_FOUND,
                 "nowhere.yaml");
}

/* SCAR's rule, but for a script that could otherwise not get into the image. */
static void images_of_ecr_may_be_prepared(void **state)
{
    (void)state;
    static const char ecr[] = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/f:v1";
    static const struct {
        const char *image;
        const char *create_image;
        bool has_script;
        bool is_prepared;
    } cases[] = {
        {ecr, "false", true, true},  {ecr, "false", false, true},
        {ecr, "true", false, false}, {ecr, "", false, true},
        {ecr, "", true, false},      {"alpine", "false", true, false},
        {"alpine", "", true, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        char *folder = temp_folder();
        owned(memory) char *path = text_format("%s/f.yaml", folder);
        owned(memory) char *script = text_format("%s/s.sh", folder);
        owned(memory) char *yaml = text_format(
            "functions:\n  aws:\n  - lambda:\n      name: f\n      init_script: %s\n"
            "      container:\n        image: %s\n        create_image: %s\n",
            cases[i].has_script ? "s.sh" : "", cases[i].image, cases[i].create_image);
        owned(definition_file) struct definition_file file = {0};
        bool needs_script = cases[i].has_script && !cases[i].is_prepared;

        assert_ok(file_write(path, 0644, yaml, strlen(yaml), &err));
        if (needs_script) /* a prepared image brings its own along */
            assert_ok(file_write(script, 0644, "", 0, &err));
        assert_ok(read_quietly(path, &no_options, &file, &err));
        assert_int_equal(file.functions[0].image_is_prepared, cases[i].is_prepared);
        assert_int_equal(file.functions[0].delete_image, !cases[i].is_prepared);
        assert_int_equal(file.functions[0].script != NULL, needs_script);
        const char *told = json_optional_string(file.functions[0].config, "init_script");
        assert_int_equal(told != NULL, cases[i].has_script);
        temp_folder_remove(folder);
    }
}

/* The same definition from two folders, the base image in a folder of its own. */
static void the_config_knows_nothing_of_this_machine(void **state)
{
    (void)state;
    char *texts[2];
    char *folders[2];

    for (size_t i = 0; i < COUNT(texts); i++) {
        struct error err;
        folders[i] = temp_folder();
        owned(memory) char *script = text_format("%s/s.sh", folders[i]);
        owned(memory) char *image = text_format("oci:%s/base:v1", folders[i]);
        const struct definition_options options = {
            .image = image, .name = "f", .script = script};
        owned(definition_file) struct definition_file file = {0};

        assert_ok(file_write(script, 0644, "", 0, &err));
        assert_ok(read_quietly(NULL, &options, &file, &err));
        texts[i] = json_text(file.functions[0].config);
        assert_null(strstr(texts[i], folders[i]));
    }
    assert_string_equal(texts[0], texts[1]);
    for (size_t i = 0; i < COUNT(texts); i++) {
        free(texts[i]);
        temp_folder_remove(folders[i]);
    }
}

static void accounts_of_storage_go_into_the_environment_alone(void **state)
{
    (void)state;
    struct error err;
    owned(definition_file) struct definition_file file = {0};
    owned(memory) char *bytes = NULL;
    size_t count = 0;

    assert_ok(read_quietly(GOOD "/storage.yaml", &no_options, &file, &err));
    const struct definition *function = &file.functions[0];
    owned(memory) char *accounts = json_text(function->storage_providers);
    assert_string_equal(accounts, "{\"minio\":{\"lab\":{\"access_key\":\"0123\","
                                  "\"endpoint\":\"https://minio.example:9000\","
                                  "\"secret_key\":\"never-in-the-config\","
                                  "\"verify\":false}}}");
    owned(memory) char *config = json_text(function->config);
    assert_null(strstr(config, "never"));

    json_owned json_t *environment = function_environment(function, "image");
    assert_ok(base64_decode(json_optional_string(environment, "FDL"), &bytes, &count, &err));
    assert_non_null(strstr(bytes, accounts));
}

static void very_short_times_keep_half_for_the_script(void **state)
{
    (void)state;
    static const struct {
        int timeout_s;
        int threshold_s;
    } cases[] = {{1, 0}, {8, 4}, {10, 5}, {11, 10}, {900, 10}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const struct definition_options options = {
            .image = "alpine", .name = "f", .timeout_s = cases[i].timeout_s};
        owned(definition_file) struct definition_file file = {0};
        assert_ok(read_quietly(NULL, &options, &file, &err));
        const json_t *container = json_object_get(file.functions[0].config, "container");
        assert_int_equal(json_integer_value(json_object_get(container, "timeout_threshold")),
                         cases[i].threshold_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_definitions_give_the_configs_beside_them),
        cmocka_unit_test(bad_definitions_are_refused_with_their_place),
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(every_key_in_use_arrives),
        cmocka_unit_test(options_win_over_the_file),
        cmocka_unit_test(options_alone_make_a_definition),
        cmocka_unit_test(bad_options_are_refused_by_their_name),
        cmocka_unit_test(lengths_are_counted_in_characters),
        cmocka_unit_test(copies_go_where_they_are_told),
        cmocka_unit_test(copies_of_the_file_come_before_those_of_options),
        cmocka_unit_test(copies_are_counted),
        cmocka_unit_test(an_image_may_come_from_a_file),
        cmocka_unit_test(one_name_is_not_enough_for_two_functions),
        cmocka_unit_test(a_missing_file_is_not_found),
        cmocka_unit_test(images_of_ecr_may_be_prepared),
        cmocka_unit_test(the_config_knows_nothing_of_this_machine),
        cmocka_unit_test(accounts_of_storage_go_into_the_environment_alone),
        cmocka_unit_test(very_short_times_keep_half_for_the_script),
    };
    return cmocka_run_group_tests_name("definition", tests, NULL, NULL);
}
