/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECR's control plane: repositories are found or made, logins only go where they are safe, and
 * only what is ours is removed again.
 */
#include "lambda/aws/ecr.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define HOST "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
#define DIGEST_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define DIGEST_I "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define REPOSITORY                                                                             \
    "{\"repositoryName\":\"f\",\"repositoryArn\":\"arn:f\",\"repositoryUri\":\"" HOST "/f\"}"

#define FOUND                                                                                  \
    {                                                                                          \
        "DescribeRepositories {\"repositoryNames\":[\"f\"]}", 200,                             \
            "{\"repositories\":[" REPOSITORY "]}",                                             \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define MISSING                                                                                \
    {                                                                                          \
        "DescribeRepositories", 400, "{\"__type\":\"RepositoryNotFoundException\"}",           \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define OURS                                                                                   \
    {                                                                                          \
        "ListTagsForResource {\"resourceArn\":\"arn:f\"}", 200,                                \
            "{\"tags\":[{\"Key\":\"createdby\",\"Value\":\"skiff\"}]}",                        \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }

static void repositories_are_named_like_their_functions(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        const char *repository; /* NULL: refused */
    } cases[] = {
        {"cowsay", "cowsay"}, {"MyFunc", "myfunc"}, {"a-b_c__d---e", "a-b_c__d---e"},
        {"42", "42"},         {"a", NULL},          {"-a", NULL},
        {"a-", NULL},         {"a_", NULL},         {"a___b", NULL},
        {"a-_b", NULL},       {"", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *name = NULL;
        struct error err = {0};
        if (cases[i].repository) {
            assert_ok(ecr_repository_name(cases[i].function, &name, &err));
            assert_string_equal(name, cases[i].repository);
        } else {
            assert_fails(ecr_repository_name(cases[i].function, &name, &err), ERROR_USAGE,
                         "gives no name for its repository");
        }
    }
}

/* As a deployment does. */
static bool open_repository(const struct aws *aws, struct ecr_repository *out,
                            struct error *err)
{
    bool found = false;

    return ecr_find_repository(aws, "f", out, &found, err) &&
           (found || ecr_make_repository(aws, "f", out, err));
}

static void a_repository_is_found_or_made(void **state)
{
    (void)state;
    static const struct scripted_answer created = {
        "CreateRepository {\"repositoryName\":\"f\",\"tags\":[{\"Key\":\"createdby\","
        "\"Value\":\"skiff\"}]}",
        200,
        "{\"repository\":" REPOSITORY "}",
        {{0}}};
    static const struct scripted_answer exists = {
        "CreateRepository", 400, "{\"__type\":\"RepositoryAlreadyExistsException\"}", {{0}}};
    const struct {
        struct scripted_answer script[4];
        const char *told;
    } cases[] = {
        {{FOUND}, ""},
        {{MISSING, created}, "Creating ECR repository: f\n"},
        {{MISSING, exists, FOUND}, "Creating ECR repository: f\n"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        owned(ecr_repository) struct ecr_repository repository = {0};
        struct error err = {0};
        assert_ok(open_repository(scripted_aws_ask(aws), &repository, &err));
        assert_string_equal(repository.name, "f");
        assert_string_equal(repository.uri, HOST "/f");
        assert_string_equal(scripted_aws_told(aws), cases[i].told);
    }
}

static void a_repository_that_is_refused_is_an_error(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer script[3];
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{{"Describe", 400, "{\"__type\":\"AccessDeniedException\"}", {{0}}}},
         ERROR_DENIED,
         "ecr DescribeRepositories: AccessDenied"},
        {{MISSING, {"Create", 400, "{\"__type\":\"LimitExceededException\"}", {{0}}}},
         ERROR_LIMIT,
         "ecr CreateRepository: LimitExceeded"},
        {{{"Describe", 200, "{\"repositories\":[]}", {{0}}}},
         ERROR_INVALID,
         "ecr: repository: 'repositoryName' is missing"},
        {{{"Describe", 200, "[]", {{0}}}}, ERROR_INVALID, "answer of AWS is no object"},
        {{{"Describe", 200, "", {{0}}}}, ERROR_INVALID, "answer of AWS is no object"},
        {{{"Describe",
           200,
           "{\"repositories\":[{\"repositoryName\":\"f\",\"repositoryArn\":\"a\","
           "\"repositoryUri\":\"f\"}]}",
           {{0}}}},
         ERROR_INVALID,
         "'f' is no URI of repository 'f'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        owned(ecr_repository) struct ecr_repository repository = {0};
        struct error err = {0};
        assert_fails(open_repository(scripted_aws_ask(aws), &repository, &err), cases[i].kind,
                     cases[i].words);
    }
}

#define TOKEN(token, url)                                                                      \
    "{\"authorizationData\":[{\"authorizationToken\":\"" token                                 \
    "\",\"expiresAt\":1.7e9,\"proxyEndpoint\":\"" url "\"}]}"

static void a_login_is_decoded(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GetAuthorizationToken {}", 200, TOKEN("QVdTOnA6dw==", "https://" HOST "/"), {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    owned(ecr_login) struct ecr_login login = {0};
    struct error err = {0};

    assert_ok(ecr_ask_login(scripted_aws_ask(aws), &login, &err));
    assert_string_equal(login.login.user, "AWS");
    assert_string_equal(login.login.password, "p:w");
    assert_string_equal(login.url, "https://" HOST);
}

static void a_login_goes_only_where_it_is_safe(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *words; /* NULL: fine */
    } cases[] = {
        {TOKEN("QVdTOnB3", "http://127.0.0.1:5000"), NULL},
        {TOKEN("QVdTOnB3", "http://localhost:5000/"), NULL},
        {TOKEN("QVdTOnB3", "http://127.evil.example.com"), "would travel unencrypted"},
        {TOKEN("QVdTOnB3", "http://" HOST), "would travel unencrypted"},
        {TOKEN("QVdTOnB3", "ftp://" HOST), "is no URL of a registry"},
        {TOKEN("QVdTOnB3", "https://"), "is no URL of a registry"},
        {TOKEN("QVdTOnB3", "https://a/b"), "is no URL of a registry"},
        {TOKEN("QVdTOnB3", "https://u@a"), "is no URL of a registry"},
        {TOKEN("!", "https://a"), "not base64"},
        {TOKEN("QVdT", "https://a"), "a token without ':'"},
        {"{\"authorizationData\":[]}", "'authorizationToken' is missing"},
        {"{}", "'authorizationData' is missing"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {
            {"GetAuthorizationToken", 200, cases[i].answer, {{0}}},
            {0},
        };
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        owned(ecr_login) struct ecr_login login = {0};
        struct error err = {0};
        if (!cases[i].words)
            assert_ok(ecr_ask_login(scripted_aws_ask(aws), &login, &err));
        else
            assert_fails(ecr_ask_login(scripted_aws_ask(aws), &login, &err), ERROR_INVALID,
                         cases[i].words);
        assert_null(strstr(err.text, "QVdT"));
    }
}

static const struct scripted_answer no_latest = {
    "BatchGetImage {\"acceptedMediaTypes\":[\"application/vnd.oci.image.index.v1+json\","
    "\"application/vnd.oci.image.manifest.v1+json\"],\"imageIds\":[{\"imageTag\":\"latest\"}],"
    "\"repositoryName\":\"f\"}",
    200,
    "{\"images\":[],\"failures\":[{}]}",
    {{0}}};
static const struct scripted_answer other_latest = {
    "BatchGetImage",
    200,
    "{\"images\":[{\"imageId\":{\"imageDigest\":\"" DIGEST_I "\"},\"imageManifest\":"
    "\"{\\\"manifests\\\":[{\\\"digest\\\":\\\"" DIGEST_B "\\\"}]}\"}]}",
    {{0}}};
static const struct scripted_answer family_latest = {
    "BatchGetImage",
    200,
    "{\"images\":[{\"imageId\":{\"imageDigest\":\"" DIGEST_I "\"},\"imageManifest\":"
    "\"{\\\"manifests\\\":[{\\\"digest\\\":\\\"" DIGEST_A "\\\"},{\\\"digest\\\":\\\"" DIGEST_B
    "\\\"}]}\"}]}",
    {{0}}};
static const struct scripted_answer delete_one = {
    "BatchDeleteImage {\"imageIds\":[{\"imageDigest\":\"" DIGEST_A
    "\"}],\"repositoryName\":\"f\"}",
    200,
    "{\"failures\":[]}",
    {{0}}};
static const struct scripted_answer delete_index = {
    "BatchDeleteImage {\"imageIds\":[{\"imageDigest\":\"" DIGEST_I "\"}]", 200, "{}", {{0}}};
static const struct scripted_answer delete_both = {
    "BatchDeleteImage {\"imageIds\":[{\"imageDigest\":\"" DIGEST_A
    "\"},{\"imageDigest\":\"" DIGEST_B "\"}]",
    200,
    "{\"failures\":[{\"failureCode\":\"ImageNotFound\"}]}",
    {{0}}};
static const struct scripted_answer delete_repository = {
    "DeleteRepository {\"repositoryName\":\"f\"}", 200, "{}", {{0}}};
static const struct scripted_answer not_empty = {
    "DeleteRepository", 400, "{\"__type\":\"RepositoryNotEmptyException\"}", {{0}}};
static const struct scripted_answer not_ours = {
    "ListTagsForResource",
    200,
    "{\"tags\":[{\"Key\":\"createdby\",\"Value\":\"me\"},{\"Key\":\"skiff\"}]}",
    {{0}}};

#define IMAGE_A HOST "/f@" DIGEST_A
#define DELETED "Image '" IMAGE_A "' successfully deleted.\n"

static void only_our_image_is_removed_and_then_an_empty_repository(void **state)
{
    (void)state;
    const struct {
        const char *image;
        struct scripted_answer script[8];
        const char *told;
    } cases[] = {
        {IMAGE_A,
         {FOUND, OURS, no_latest, delete_one, delete_repository},
         DELETED "Deleting ECR repo: f\n"},
        {IMAGE_A,
         {FOUND, OURS, other_latest, delete_one, not_empty},
         DELETED
         "ECR repository f is kept: it holds other images, which 'skiff prune -n f --all' "
         "would remove\n"},
        {IMAGE_A,
         {FOUND, OURS, family_latest, delete_index, delete_both, delete_repository},
         DELETED "Deleting ECR repo: f\n"},
        {IMAGE_A, {FOUND, not_ours}, ""},
        {IMAGE_A, {MISSING}, ""},
        {"another.example.com/f@" DIGEST_A, {FOUND}, ""},
        {HOST "/f:latest", {{0}}, ""},
        {HOST "/f@sha256@" DIGEST_A, {{0}}, ""},
        {"f", {{0}}, ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        struct error err = {0};
        assert_ok(ecr_remove_image(scripted_aws_ask(aws), cases[i].image, NULL, &err));
        assert_string_equal(scripted_aws_told(aws), cases[i].told);
    }
}

static void a_removal_that_fails_says_at_what(void **state)
{
    (void)state;
    static const struct scripted_answer denied = {
        "", 400, "{\"__type\":\"AccessDeniedException\"}", {{0}}};
    static const struct scripted_answer kms = {
        "BatchDeleteImage",
        200,
        "{\"failures\":[{\"failureCode\":\"KmsError\",\"failureReason\":\"no key\"}]}",
        {{0}}};
    const struct {
        struct scripted_answer script[6];
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{denied}, ERROR_DENIED, "ecr DescribeRepositories"},
        {{FOUND, denied}, ERROR_DENIED, "ecr ListTagsForResource"},
        {{FOUND, OURS, denied}, ERROR_DENIED, "ecr BatchGetImage"},
        {{FOUND, OURS, no_latest, denied}, ERROR_DENIED, "ecr BatchDeleteImage"},
        {{FOUND, OURS, no_latest, kms},
         ERROR_INVALID,
         "ecr BatchDeleteImage: KmsError: no key"},
        {{FOUND, OURS, no_latest, delete_one, denied}, ERROR_DENIED, "ecr DeleteRepository"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        struct error err = {0};
        assert_fails(ecr_remove_image(scripted_aws_ask(aws), IMAGE_A, NULL, &err),
                     cases[i].kind, cases[i].words);
    }
}

static void an_image_somebody_runs_is_kept(void **state)
{
    (void)state;
    static const char *const needed[] = {DIGEST_A, DIGEST_B};

    /* The other one is in the same index, which has to go before either. */
    for (size_t i = 0; i < COUNT(needed); i++) {
        const struct scripted_answer script[] = {FOUND, OURS, family_latest, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        json_owned json_t *used = json_pack("{s:b}", needed[i], 1);
        struct error err = {0};
        assert_ok(ecr_remove_image(scripted_aws_ask(aws), IMAGE_A, used, &err));
        owned(memory) char *told =
            text_format("Image '" IMAGE_A "' is kept: another function runs %s\n", needed[i]);
        assert_string_equal(scripted_aws_told(aws), told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repositories_are_named_like_their_functions),
        cmocka_unit_test(a_repository_is_found_or_made),
        cmocka_unit_test(a_repository_that_is_refused_is_an_error),
        cmocka_unit_test(a_login_is_decoded),
        cmocka_unit_test(a_login_goes_only_where_it_is_safe),
        cmocka_unit_test(only_our_image_is_removed_and_then_an_empty_repository),
        cmocka_unit_test(a_removal_that_fails_says_at_what),
        cmocka_unit_test(an_image_somebody_runs_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
