/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Older images go, the oldest first, and never one that a function runs.
 */
#include "lambda/aws/prune.h"

#include <stdlib.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

enum { CALLS_LIMIT = 16, IMAGES_LIMIT = 8, DIGITS = 64 };

#define HOST "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
#define REPOSITORY                                                                             \
    "{\"repositories\":[{\"repositoryName\":\"boat\",\"repositoryArn\":\"arn:boat\","          \
    "\"repositoryUri\":\"" HOST "/boat\"}]}"
#define OURS "{\"tags\":[{\"Key\":\"createdby\",\"Value\":\"skiff\"}]}"
#define DENIED "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"

/* An image is a letter, of which its digest is made; an index has those that are in it. */
struct image {
    char name;
    int pushed;        /* seconds since 1970 */
    const char *holds; /* NULL: no index */
};

/* What is in the repository, who runs what, and what becomes of it. */
struct shelf {
    struct image images[IMAGES_LIMIT];
    const char *used;
    int keep;
    const char *indexes; /* that go first; "": none */
    const char *others;  /* that go then */
};

/* The calls that a pruning makes of it; texts of their own. */
struct script {
    struct scripted_answer answers[CALLS_LIMIT];
    char *texts[2 * CALLS_LIMIT];
    size_t count;
    size_t text_count;
};

static void script_cleanup(struct script *script)
{
    for (size_t i = 0; i < script->text_count; i++)
        free(script->texts[i]);
}

static const char *keep_text(struct script *script, struct text *text)
{
    char *taken = text_take(text);

    assert_true(script->text_count < COUNT(script->texts));
    script->texts[script->text_count++] = taken;
    return taken;
}

static void add(struct script *script, const char *asked, const char *body)
{
    assert_true(script->count + 1 < CALLS_LIMIT);
    script->answers[script->count++] =
        (struct scripted_answer){.asked = asked, .status = 200, .body = body};
}

static void add_digits(struct text *text, char name)
{
    for (int i = 0; i < DIGITS; i++)
        text_addf(text, "%c", name);
}

static void describe(struct script *script, const struct image *images, const char *next)
{
    struct text body = {0};

    text_add(&body, "{\"imageDetails\":[");
    for (size_t i = 0; i < IMAGES_LIMIT && images[i].name; i++) {
        text_addf(&body, "%s{\"imageDigest\":\"sha256:", i > 0 ? "," : "");
        add_digits(&body, images[i].name);
        text_addf(&body,
                  "\",\"imagePushedAt\":%d.5,\"imageSizeInBytes\":7,\"imageTags\":[\"t\"],"
                  "\"imageManifestMediaType\":\"application/vnd.%s+json\"}",
                  images[i].pushed,
                  !images[i].holds            ? "oci.image.manifest.v1"
                  : images[i].pushed % 2 == 0 ? "oci.image.index.v1"
                                              : "docker.distribution.manifest.list.v2");
    }
    text_addf(&body, "]%s}", next ? next : "");
    add(script, "DescribeImages", keep_text(script, &body));
}

static void show_index(struct script *script, const struct image *image)
{
    struct text asked = {0};
    struct text body = {0};

    text_add(&asked, "\"imageIds\":[{\"imageDigest\":\"sha256:");
    add_digits(&asked, image->name);
    text_add(&body, "{\"images\":[{\"imageManifest\":\"{\\\"manifests\\\":[");
    for (const char *name = image->holds; *name; name++) {
        text_addf(&body, "%s{\\\"digest\\\":\\\"sha256:", name == image->holds ? "" : ",");
        add_digits(&body, *name);
        text_add(&body, "\\\"}");
    }
    text_add(&body, "]}\"}]}");
    const char *what = keep_text(script, &asked);
    add(script, what, keep_text(script, &body));
}

static void list_functions(struct script *script, const char *used, const char *asked,
                           const char *next)
{
    struct text body = {0};

    text_add(&body, "{\"Functions\":[{\"FunctionName\":\"zip\",\"CodeSha256\":\"abc=\"}");
    for (; *used; used++) {
        text_add(&body, ",{\"FunctionName\":\"g\",\"CodeSha256\":\"");
        add_digits(&body, *used);
        text_add(&body, "\"}");
    }
    text_addf(&body, "]%s}", next);
    add(script, asked, keep_text(script, &body));
}

static void delete_those(struct script *script, const char *names)
{
    struct text asked = {0};

    if (!*names)
        return;
    text_add(&asked, "BatchDeleteImage {\"imageIds\":[");
    for (const char *name = names; *name; name++) {
        text_addf(&asked, "%s{\"imageDigest\":\"sha256:", name == names ? "" : ",");
        add_digits(&asked, *name);
        text_add(&asked, "\"}");
    }
    text_add(&asked, "],\"repositoryName\":\"boat\"}");
    add(script, keep_text(script, &asked), "{\"failures\":[]}");
}

/* Then the repository goes in the end. */
static bool is_emptied(const struct shelf *shelf)
{
    size_t count = 0;

    while (count < IMAGES_LIMIT && shelf->images[count].name)
        count++;
    return count == strlen(shelf->indexes) + strlen(shelf->others);
}

static void write_script(const struct shelf *shelf, bool is_plan, struct script *script)
{
    *script = (struct script){0};
    add(script, "DescribeRepositories", REPOSITORY);
    add(script, "ListTagsForResource", OURS);
    describe(script, shelf->images, NULL);
    for (size_t i = 0; i < IMAGES_LIMIT && shelf->images[i].name; i++)
        if (shelf->images[i].holds)
            show_index(script, &shelf->images[i]);
    list_functions(script, shelf->used, "functions?FunctionVersion=ALL ", "");
    delete_those(script, shelf->indexes);
    delete_those(script, shelf->others);
    if (shelf->keep == 0 && !is_plan && is_emptied(shelf))
        add(script, "DeleteRepository {\"repositoryName\":\"boat\"}", "{}");
}

/* Letters of the images that are told to go, the newest first; a new string. */
static char *names_of(const json_t *removed)
{
    struct text names = {0};
    const json_t *each = NULL;
    size_t i;

    json_array_foreach(removed, i, each)
    {
        assert_int_equal(json_integer_value(json_object_get(each, "size")), 7);
        assert_non_null(json_object_get(each, "tags"));
        text_addf(&names, "%c", json_optional_string(each, "digest")[strlen("sha256:")]);
    }
    return text_take(&names);
}

static const struct shelf shelves[] = {
    {{{0}}, "", 1, "", ""},
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "", 1, "", "ca"},
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "", 2, "", "a"},
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "", 9, "", ""},
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "", 0, "", "bca"},
    {{{0}}, "", 0, "", ""},
    /* One that a function runs stays, and does not count as one of the newest. */
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "a", 1, "", "c"},
    {{{'a', 1, NULL}, {'b', 3, NULL}, {'c', 2, NULL}}, "abc", 0, "", ""},
    {{{'a', 1, NULL}, {'b', 3, NULL}}, "b", 0, "", "a"},
    /* An index counts as one, and takes what is in it along, after itself. */
    {{{'a', 2, NULL},
      {'b', 1, NULL},
      {'i', 2, "ab"},
      {'c', 5, NULL},
      {'d', 4, NULL},
      {'j', 7, "cd"}},
     "",
     1,
     "i",
     "ab"},
    /* A function runs one of the index's images: all of them stay. */
    {{{'a', 2, NULL},
      {'b', 1, NULL},
      {'i', 2, "ab"},
      {'c', 5, NULL},
      {'d', 4, NULL},
      {'j', 7, "cd"}},
     "b",
     0,
     "j",
     "cd"},
    /* Two of them share an image. */
    {{{'a', 1, NULL}, {'i', 2, "ab"}, {'b', 2, NULL}, {'j', 4, "ac"}, {'c', 4, NULL}},
     "",
     1,
     "i",
     "b"},
    {{{'a', 1, NULL}, {'i', 2, "ab"}, {'b', 2, NULL}, {'j', 4, "ac"}, {'c', 4, NULL}},
     "c",
     0,
     "i",
     "b"},
    /* An index in an index, of which a function runs the innermost image. */
    {{{'a', 1, NULL}, {'b', 1, NULL}, {'i', 2, "a"}, {'j', 4, "ib"}, {'c', 6, NULL}},
     "a",
     1,
     "",
     ""},
    {{{'a', 1, NULL}, {'i', 2, "a"}, {'j', 4, "i"}, {'c', 6, NULL}}, "", 1, "ji", "a"},
    /* What an index names need not be there. */
    {{{'a', 1, NULL}, {'i', 2, "az"}}, "z", 0, "", ""},
};

static void older_images_go_but_for_those_in_use(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shelves); i++) {
        const struct platform_pruning wanted = {.keep = shelves[i].keep};
        __attribute__((cleanup(script_cleanup))) struct script script;
        write_script(&shelves[i], false, &script);
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
        json_owned json_t *removed = json_array();
        struct error err = {0};
        assert_ok(prune_images(scripted_aws_ask(aws), "boat", &wanted, removed, &err));
        assert_int_equal(json_array_size(removed),
                         strlen(shelves[i].indexes) + strlen(shelves[i].others));
    }
}

static void a_plan_tells_the_same_and_deletes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(shelves); i++) {
        struct shelf plan = shelves[i];
        __attribute__((cleanup(script_cleanup))) struct script script;
        plan.indexes = plan.others = "";
        write_script(&plan, true, &script);
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
        json_owned json_t *removed = json_array();
        struct error err = {0};
        assert_ok(prune_images(scripted_aws_ask(aws), "Boat",
                               &(struct platform_pruning){plan.keep, true}, removed, &err));
        owned(memory) char *names = names_of(removed);
        assert_int_equal(strlen(names), strlen(shelves[i].indexes) + strlen(shelves[i].others));
        for (const char *name = names; *name; name++)
            assert_true(strchr(shelves[i].indexes, *name) || strchr(shelves[i].others, *name));
    }
}

/* Of images and of functions with their versions: what an alias names is a version. */
static void every_page_is_looked_at(void **state)
{
    (void)state;
    static const struct image first[IMAGES_LIMIT] = {{'a', 1, NULL}, {'b', 2, NULL}};
    static const struct image second[IMAGES_LIMIT] = {{'c', 3, NULL}, {'d', 4, NULL}};
    __attribute__((cleanup(script_cleanup))) struct script script = {0};

    add(&script, "DescribeRepositories", REPOSITORY);
    add(&script, "ListTagsForResource", OURS);
    describe(&script, first, ",\"nextToken\":\"more\"");
    describe(&script, second, NULL);
    script.answers[3].asked =
        "DescribeImages {\"nextToken\":\"more\",\"repositoryName\":\"boat\"}";
    list_functions(&script, "", "functions?FunctionVersion=ALL ", ",\"NextMarker\":\"m/2\"");
    list_functions(&script, "b", "functions?FunctionVersion=ALL&Marker=m%2F2 ", "");
    delete_those(&script, "ca");
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
    json_owned json_t *removed = json_array();
    struct error err = {0};
    assert_ok(prune_images(scripted_aws_ask(aws), "boat", &(struct platform_pruning){.keep = 1},
                           removed, &err));
    owned(memory) char *names = names_of(removed);
    assert_string_equal(names, "ca");
}

/* Which is as many as ECR takes. */
static void they_go_by_the_hundred(void **state)
{
    (void)state;
    enum { COUNT_OF_IMAGES = 201 };
    __attribute__((cleanup(script_cleanup))) struct script script = {0};
    struct text body = {0};

    text_add(&body, "{\"imageDetails\":[");
    for (int i = 0; i < COUNT_OF_IMAGES; i++)
        text_addf(&body, "%s{\"imageDigest\":\"sha256:%064d\",\"imagePushedAt\":%d}",
                  i > 0 ? "," : "", i, i);
    text_add(&body, "]}");
    add(&script, "DescribeRepositories", REPOSITORY);
    add(&script, "ListTagsForResource", OURS);
    add(&script, "DescribeImages", keep_text(&script, &body));
    list_functions(&script, "", "functions", "");
    for (int i = 0; i < 2; i++)
        add(&script, "BatchDeleteImage", "{}");
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
    json_owned json_t *removed = json_array();
    struct error err = {0};
    assert_ok(prune_images(scripted_aws_ask(aws), "boat", &(struct platform_pruning){.keep = 1},
                           removed, &err));
    assert_int_equal(json_array_size(removed), COUNT_OF_IMAGES - 1);
    const char *line = strstr(scripted_aws_bodies(aws), "{\"imageIds\"");
    for (int batch = 0; batch < 2; batch++) {
        size_t ids = 0;
        size_t length = strcspn(line, "\n");
        for (const char *at = line; (at = strstr(at, "imageDigest")) && at < line + length;
             at++)
            ids++;
        assert_int_equal(ids, 100);
        line += length + 1;
    }
}

/* And the next one goes on. */
static void whatever_is_refused_ends_it(void **state)
{
    (void)state;
    const struct shelf *shelf = &shelves[9]; /* of the most calls */
    static const char *const words[] = {
        "ecr DescribeRepositories: AccessDenied", "ecr ListTagsForResource: AccessDenied",
        "ecr DescribeImages: AccessDenied",       "ecr BatchGetImage: AccessDenied",
        "ecr BatchGetImage: AccessDenied",        "lambda ListFunctions: AccessDenied",
        "ecr BatchDeleteImage: AccessDenied",     "ecr BatchDeleteImage: AccessDenied",
    };

    for (size_t broken = 0; broken < COUNT(words); broken++) {
        __attribute__((cleanup(script_cleanup))) struct script script;
        write_script(shelf, false, &script);
        assert_int_equal(script.count, COUNT(words));
        script.answers[broken].status = 403;
        script.answers[broken].body = DENIED;
        script.answers[broken + 1] = (struct scripted_answer){0}; /* nobody asks any more */
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
        json_owned json_t *removed = json_array();
        struct error err = {0};
        assert_fails(prune_images(scripted_aws_ask(aws), "boat",
                                  &(struct platform_pruning){.keep = shelf->keep}, removed,
                                  &err),
                     ERROR_DENIED, words[broken]);
    }
}

static void what_cannot_be_understood_lets_everything_stay(void **state)
{
    (void)state;
    static const struct {
        size_t call;
        const char *body;
        const char *words;
    } cases[] = {
        {0, "{\"repositories\":[]}", "'repositoryName' is missing"},
        {2, "{}", "'imageDetails' is missing"},
        {2, "{\"imageDetails\":[{}]}", "'imageDigest' is missing"},
        {3, "{\"images\":[]}", "cannot be read"},
        {3, "{\"images\":[{\"imageManifest\":\"{\"}]}", "cannot be read"},
        {5, "{}", "list the functions: 'Functions' is missing"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        __attribute__((cleanup(script_cleanup))) struct script script;
        write_script(&shelves[9], false, &script);
        script.answers[cases[i].call].body = cases[i].body;
        script.answers[cases[i].call + 1] = (struct scripted_answer){0};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script.answers);
        json_owned json_t *removed = json_array();
        struct error err = {0};
        assert_fails(prune_images(scripted_aws_ask(aws), "boat",
                                  &(struct platform_pruning){.keep = 1}, removed, &err),
                     ERROR_INVALID, cases[i].words);
    }
}

static void only_repositories_of_ours_are_pruned(void **state)
{
    (void)state;
    static const struct {
        const char *function;
        struct scripted_answer script[3];
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {"-", {{0}}, ERROR_USAGE, "gives no name for its repository"},
        {"boat",
         {{"DescribeRepositories", 400, "{\"__type\":\"RepositoryNotFoundException\"}", {{0}}}},
         ERROR_NOT_FOUND,
         "no repository 'boat' in region eu-west-1"},
        {"boat",
         {{"DescribeRepositories", 200, REPOSITORY, {{0}}},
          {"ListTagsForResource", 200, "{\"tags\":[]}", {{0}}}},
         ERROR_DENIED,
         "was not made by skiff, so its images stay"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        json_owned json_t *removed = json_array();
        struct error err = {0};
        assert_fails(prune_images(scripted_aws_ask(aws), cases[i].function,
                                  &(struct platform_pruning){.keep = 1}, removed, &err),
                     cases[i].kind, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_images_go_but_for_those_in_use),
        cmocka_unit_test(a_plan_tells_the_same_and_deletes_nothing),
        cmocka_unit_test(every_page_is_looked_at),
        cmocka_unit_test(they_go_by_the_hundred),
        cmocka_unit_test(whatever_is_refused_ends_it),
        cmocka_unit_test(what_cannot_be_understood_lets_everything_stay),
        cmocka_unit_test(only_repositories_of_ours_are_pruned),
    };
    return cmocka_run_group_tests_name("prune", tests, NULL, NULL);
}
