/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a configuration says about storage: accounts, outputs and what they take.
 */
#include "lambda/supervisor/storage.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static const char *const role[] = {"AWS_ACCESS_KEY_ID=AKIDROLE", "AWS_SECRET_ACCESS_KEY=secret",
                                   "AWS_SESSION_TOKEN=token", "AWS_REGION=eu-west-1", NULL};
static const char *const nobody[] = {NULL};

static bool read(const char *text, const char *const *environment, struct storage *out,
                 struct error *err)
{
    json_owned json_t *config = NULL;

    *out = (struct storage){0};
    return json_parse(text, strlen(text), &config, err) &&
           storage_read(config, environment, out, err);
}

static void without_any_word_s3_is_asked_as_the_function(void **state)
{
    (void)state;
    struct storage storage = {0};
    struct error err;
    const struct event event = {.origin = EVENT_S3};
    const struct s3_account *account;

    assert_ok(read("{}", role, &storage, &err));
    assert_ok(storage_account_of(&storage, &event, &account, &err));
    assert_string_equal(account->name, "s3");
    assert_string_equal(account->region, "eu-west-1");
    assert_string_equal(account->credentials.access_key, "AKIDROLE");
    assert_string_equal(account->credentials.session_token, "token");
    assert_null(account->endpoint);
    storage_release(&storage);
}

static void accounts_are_those_of_storage_providers(void **state)
{
    (void)state;
    struct storage storage = {0};
    struct error err;
    const struct s3_account *account;
    static const char config[] =
        "{\"storage_providers\": {"
        "\"s3\": {\"mine\": {\"access_key\": \"a\", \"secret_key\": \"b\"}},"
        "\"minio\": {\"m\": {\"access_key\": \"c\", \"secret_key\": \"d\","
        " \"endpoint\": \"https://minio:9000/\", \"verify\": false}},"
        "\"onedata\": {\"o\": {\"token\": \"t\"}}}}";
    const struct event of_m = {.origin = EVENT_MINIO, .provider_id = (char[]){"m"}};
    const struct event undelegated = {.origin = EVENT_MINIO};
    const struct event of_nobody = {.origin = EVENT_MINIO, .provider_id = (char[]){"x"}};
    const struct event of_mine = {.origin = EVENT_S3, .provider_id = (char[]){"mine"}};

    assert_ok(read(config, role, &storage, &err));
    assert_ok(storage_account_of(&storage, &of_m, &account, &err));
    assert_string_equal(account->name, "minio.m");
    assert_string_equal(account->endpoint, "https://minio:9000");
    assert_string_equal(account->region, "us-east-1");
    assert_string_equal(account->credentials.secret_key, "d");
    assert_null(account->credentials.session_token);
    assert_true(account->unverified);

    assert_ok(storage_account_of(&storage, &undelegated, &account, &err));
    assert_string_equal(account->name, "minio.m"); /* the only one there is */
    assert_fails(storage_account_of(&storage, &of_nobody, &account, &err), ERROR_NOT_FOUND,
                 "'minio.x', which is not in storage_providers");
    assert_ok(storage_account_of(&storage, &of_mine, &account, &err));
    assert_string_equal(account->region, "eu-west-1");
    assert_false(account->unverified);
    storage_release(&storage);
}

static void a_minio_nobody_told_of_has_no_account(void **state)
{
    (void)state;
    struct storage storage = {0};
    struct error err;
    const struct event event = {.origin = EVENT_MINIO};
    const struct s3_account *account;

    assert_ok(read("{}", nobody, &storage, &err));
    assert_ok(storage_account_of(&storage, &event, &account, &err));
    assert_null(account);
    storage_release(&storage);
}

static void endpoints_of_the_environment_are_s3s_and_not_minios(void **state)
{
    (void)state;
    struct storage storage = {0};
    struct error err;
    static const char *const environment[] = {"AWS_ENDPOINT_URL=http://all",
                                              "AWS_ENDPOINT_URL_S3=http://s3/", NULL};
    static const char config[] =
        "{\"storage_providers\": {"
        "\"s3\": {\"mine\": {\"access_key\": \"a\", \"secret_key\": \"b\"}},"
        "\"minio\": {\"m\": {\"access_key\": \"c\", \"secret_key\": \"d\"}}}}";

    assert_ok(read(config, environment, &storage, &err));
    assert_int_equal(storage.account_count, 3);
    assert_string_equal(storage.accounts[0].endpoint, "http://s3");
    assert_string_equal(storage.accounts[0].region, "us-east-1");
    assert_string_equal(storage.accounts[1].endpoint, "http://s3");
    assert_string_equal(storage.accounts[2].endpoint, "http://minio-service.minio:9000");
    storage_release(&storage);
}

static void an_output_has_a_bucket_and_a_folder(void **state)
{
    (void)state;
    static const struct {
        const char *path, *bucket, *folder;
    } table[] = {
        {"b", "b", ""},
        {"b/", "b", ""},
        {"b/x", "b", "x/"},
        {"b/x/", "b", "x/"},
        {"b/x/y", "b", "x/y/"},
        {"/b/x", "b", "x/"},
        {"b//x//y/", "b", "x//y/"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct storage storage = {0};
        struct error err;
        owned(memory) char *config = text_format(
            "{\"output\": [{\"storage_provider\": \"s3\", \"path\": \"%s\"}]}", table[i].path);
        assert_ok(read(config, nobody, &storage, &err));
        assert_string_equal(storage.outputs[0].bucket, table[i].bucket);
        assert_string_equal(storage.outputs[0].folder, table[i].folder);
        storage_release(&storage);
    }
}

static void filters_are_the_plain_beginnings_and_ends_of_paths(void **state)
{
    (void)state;
    static const struct {
        const char *filters, *path;
        bool taken;
    } table[] = {
        {"\"prefix\": []", "a.txt", true},
        {"\"prefix\": [\"res-\", \"out\"]", "res-1.txt", true},
        {"\"prefix\": [\"res-\", \"out\"]", "output", true},
        {"\"prefix\": [\"res-\"]", "sub/res-1", false},
        {"\"prefix\": [\"sub/\"]", "sub/res-1", true},
        {"\"suffix\": [\".jpg\", \"png\"]", "a.jpg", true},
        {"\"suffix\": [\".jpg\", \"png\"]", "apng", true},
        {"\"suffix\": [\".jpg\"]", "a.jpg.txt", false},
        {"\"suffix\": [\".jpg\"]", "jpg", false},
        {"\"suffix\": \".jpg\"", "a.jpg", true}, /* a string is a list of one */
        {"\"suffix\": \".jpg\"", "a.p", false},
        {"\"prefix\": [\"res-\"], \"suffix\": [\".txt\"]", "res-1.txt", true},
        {"\"prefix\": [\"res-\"], \"suffix\": [\".txt\"]", "res-1.jpg", false},
        {"\"prefix\": [\"res-\"], \"suffix\": [\".txt\"]", "a.txt", false},
        {"\"prefix\": [\"\"]", "a", true},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct storage storage = {0};
        struct error err;
        owned(memory) char *config =
            text_format("{\"output\": [{\"storage_provider\": \"s3\", \"path\": \"b\", %s}]}",
                        table[i].filters);
        assert_ok(read(config, nobody, &storage, &err));
        if (storage_output_takes(&storage.outputs[0], table[i].path) != table[i].taken)
            fail_msg("%s with %s", table[i].path, table[i].filters);
        storage_release(&storage);
    }
}

#define OUTPUT(provider)                                                                       \
    "{\"output\": [{\"storage_provider\": \"" provider "\", \"path\": \"b\"}]}"
#define PROVIDER(kind, fields)                                                                 \
    "{\"storage_providers\": {\"" kind "\": {\"mine\": {" fields "}}}}"

static void what_cannot_work_is_said_at_once(void **state)
{
    (void)state;
    static const struct {
        const char *config, *words;
    } table[] = {
        {PROVIDER("s3", "\"access_key\": \"a\""),
         "storage_providers.s3.mine: The storage authentication of 'S3' is not well-defined: "
         "'secret_key' is missing"},
        {PROVIDER("minio", "\"secret_key\": \"hush\""),
         "The storage authentication of 'MINIO' is not well-defined: 'access_key' is missing"},
        {PROVIDER("s3", "\"access_key\": \"a\", \"secret_key\": \"hush\\n\""),
         "'secret_key' holds a character that no key has"},
        {PROVIDER("minio",
                  "\"access_key\": \"a\", \"secret_key\": \"b\", \"endpoint\": \"minio\""),
         "endpoint 'minio' is no URL"},
        {PROVIDER("s3", "\"access_key\": \"a\", \"secret_key\": \"b\", \"region\": \"a.b/\""),
         "'a.b/' is no region"},
        {OUTPUT("s3.typo"),
         "output[0]: storage_provider 's3.typo' is not in storage_providers"},
        {OUTPUT("minio"), "'minio' is not in storage_providers"},
        {OUTPUT("onedata.mine"), "'onedata.mine': S3 and MinIO are the storages"},
        {OUTPUT("webdav"), "'webdav': S3 and MinIO are the storages"},
        {OUTPUT("s33"), "'s33': S3 and MinIO"},
        {"{\"output\": [{\"path\": \"b\"}]}", "output[0]"},
        {"{\"output\": [{\"storage_provider\": \"s3\"}]}", "output[0]"},
        {"{\"output\": [{\"storage_provider\": \"s3\", \"path\": \"/\"}]}", "names no bucket"},
        {"{\"output\": [{\"storage_provider\": \"s3\", \"path\": \"b\", \"prefix\": [1]}]}",
         "'prefix' holds something that is not text"},
        {"{\"output\": [{\"storage_provider\": \"s3\", \"path\": \"b\", \"suffix\": 1}]}",
         "'suffix' is not a list"},
        {"{\"output\": {}}", "'output' is not a list"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct storage storage = {0};
        struct error err = {0};
        assert_fails(read(table[i].config, nobody, &storage, &err), ERROR_INVALID,
                     table[i].words);
        assert_null(strstr(err.text, "hush"));
        storage_release(&storage);
    }
}

static void there_is_a_limit_to_everything(void **state)
{
    (void)state;
    struct storage storage = {0};
    struct error err;
    json_owned json_t *config = json_object();
    json_t *outputs = json_array();

    json_object_set_new(config, "output", outputs);
    for (int i = 0; i <= STORAGE_OUTPUTS_LIMIT; i++)
        json_array_append_new(outputs, json_object());
    assert_fails(storage_read(config, nobody, &storage, &err), ERROR_LIMIT, "more than 64");
    storage_release(&storage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_word_s3_is_asked_as_the_function),
        cmocka_unit_test(accounts_are_those_of_storage_providers),
        cmocka_unit_test(a_minio_nobody_told_of_has_no_account),
        cmocka_unit_test(endpoints_of_the_environment_are_s3s_and_not_minios),
        cmocka_unit_test(an_output_has_a_bucket_and_a_folder),
        cmocka_unit_test(filters_are_the_plain_beginnings_and_ends_of_paths),
        cmocka_unit_test(what_cannot_work_is_said_at_once),
        cmocka_unit_test(there_is_a_limit_to_everything),
    };
    return cmocka_run_group_tests_name("storage", tests, NULL, NULL);
}
