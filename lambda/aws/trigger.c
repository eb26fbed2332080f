/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/trigger.h"

#include <assert.h>
#include <string.h>

#include "lambda/aws/bucket.h"
#include "lambda/aws/function_call.h"
#include "lambda/aws/notification.h"
#include "lambda/signer/storage_path.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char FUNCTIONS[] = "2015-03-31";

/* --- as whom --- */

/* Who asks for a bucket: the deployer, or an account of storage_providers. */
struct asker {
    struct aws aws;
    struct credentials_keeper keeper; /* of the account's keys */
};

static inline void asker_cleanup(struct asker *asker)
{
    credentials_keeper_release(&asker->keeper);
}

static char *copy_field(const json_t *account, const char *name)
{
    const char *value = json_optional_string(account, name);

    return value ? memory_copy_string(value) : NULL;
}

static void asker_init(struct asker *asker, const struct aws *aws, const char *provider,
                       const json_t *providers)
{
    const char *name = storage_path_account(provider);
    const json_t *account =
        name ? json_object_get(json_object_get(providers, "s3"), name) : NULL;
    const char *region = json_optional_string(account, "region");

    asker->aws = *aws;
    credentials_keeper_init(&asker->keeper, NULL);
    if (!json_optional_string(account, "access_key") ||
        !json_optional_string(account, "secret_key"))
        return;
    asker->keeper.current.keys = (struct aws_credentials){
        .access_key = copy_field(account, "access_key"),
        .secret_key = copy_field(account, "secret_key"),
        .session_token = copy_field(account, "session_token"),
    };
    asker->aws.credentials = &asker->keeper;
    if (region)
        asker->aws.region = region;
}

/* --- what is wanted, and what was --- */

/* "bucket": {"provider": …, "wanted": [folders], "unwanted": [folders]}, of the inputs in S3.
 */
static void add_folder(json_t *buckets, const json_t *input, const char *list)
{
    const char *provider = json_optional_string(input, "storage_provider");
    const char *path = json_optional_string(input, "path");
    owned(storage_path) struct storage_path place = {0};

    if (!provider || !path || !storage_path_is_s3(provider))
        return;
    storage_path_read(path, &place);
    json_t *bucket = json_object_get(buckets, place.bucket);
    if (!bucket) {
        bucket = json_pack("{s:s, s:[], s:[]}", "provider", provider, "wanted", "unwanted");
        json_object_set_new(buckets, place.bucket, bucket);
    }
    json_array_append_new(json_object_get(bucket, list), json_string(place.folder));
}

static json_t *inputs_of(const json_t *former, const json_t *wanted)
{
    json_t *buckets = json_object();
    const json_t *input = NULL;
    size_t i;

    json_array_foreach(json_object_get(wanted, "input"), i, input)
        add_folder(buckets, input, "wanted");
    json_array_foreach(json_object_get(former, "input"), i, input)
        add_folder(buckets, input, "unwanted");
    return buckets;
}

static bool has_text(const json_t *list, const json_t *text)
{
    const json_t *each = NULL;
    size_t i;

    json_array_foreach(list, i, each) if (json_equal(each, text)) return true;
    return false;
}

/* What is wanted again is not unwanted. */
static json_t *only_former(const json_t *bucket)
{
    const json_t *wanted = json_object_get(bucket, "wanted");
    json_t *unwanted = json_array();
    json_t *folder = NULL;
    size_t i;

    json_array_foreach(json_object_get(bucket, "unwanted"), i,
                       folder) if (!has_text(wanted, folder))
        json_array_append(unwanted, folder);
    return unwanted;
}

/* --- changing, or only saying so --- */

/* One change under way. */
struct settling {
    const struct aws *aws;
    const struct trigger_change *change;
    char *policy; /* owned: the function's, as JSON; "" without one */
};

static inline void settling_cleanup(struct settling *settling)
{
    memory_cleanup(&settling->policy);
}

/* Whether to do it; in a plan it is noted instead. */
static bool is_done(const struct settling *settling, const char *operation, const char *bucket,
                    const char *folder)
{
    if (!settling->change->calls)
        return true;
    json_array_append_new(settling->change->calls, json_sprintf("%s: %s%s%s", operation, bucket,
                                                                *folder ? "/" : "", folder));
    return false;
}

static bool make_bucket(const struct settling *settling, struct bucket *bucket,
                        struct error *err)
{
    return !is_done(settling, "CreateBucket", bucket->name, "") || bucket_make(bucket, err);
}

/* The bucket, where it is missing, and the folder, where nothing is in it. */
static bool make_place(const struct settling *settling, struct bucket *bucket,
                       const char *folder, struct error *err)
{
    struct error refused = {0};
    bool found = false;

    if (!bucket_has(bucket, folder, &found, &refused)) {
        if (refused.kind != ERROR_NOT_FOUND) {
            *err = refused;
            return false;
        }
        if (!make_bucket(settling, bucket, err))
            return false;
        found = !*folder;
    }
    return found || !is_done(settling, "PutObject", bucket->name, folder) ||
           bucket_make_folder(bucket, folder, err);
}

/* --- permission --- */

/* A new string: of letters, digits, '-' and '_' alone. */
static char *statement_id(const char *bucket)
{
    char *id = text_format("skiff-s3-%s", bucket);

    for (char *character = id; *character; character++)
        if (*character == '.')
            *character = '_';
    return id;
}

static bool ask_policy(struct settling *settling, struct error *err)
{
    owned(memory) char *path = function_path(FUNCTIONS, settling->change->function, "/policy");
    const struct aws_call call = {
        .service = "lambda",
        .operation = "GetPolicy",
        .method = "GET",
        .path = path,
    };
    json_owned json_t *answer = NULL;
    struct error refused = {0};

    /* One that had no inputs has no permissions of ours. */
    if (settling->change->former &&
        !function_ask(settling->aws, &call, NULL, &answer, NULL, &refused) &&
        refused.kind != ERROR_NOT_FOUND) {
        *err = refused;
        return false;
    }
    const char *policy = json_optional_string(answer, "Policy");
    settling->policy = memory_copy_string(policy ? policy : "");
    return true;
}

static bool is_permitted(const struct settling *settling, const char *id)
{
    json_owned json_t *policy = NULL;
    const json_t *statement = NULL;
    struct error unreadable;
    size_t i;

    if (!json_parse(settling->policy, strlen(settling->policy), &policy, &unreadable))
        return false;
    json_array_foreach(json_object_get(policy, "Statement"), i, statement)
    {
        const char *sid = json_optional_string(statement, "Sid");
        if (sid && strcmp(sid, id) == 0)
            return true;
    }
    return false;
}

/* "arn:<partition>:lambda:<region>:<account>:function:…": who the bucket is, and whose. */
static json_t *permission(const struct settling *settling, const char *bucket,
                          const char *provider, const char *id)
{
    const char *partition = settling->change->arn + strcspn(settling->change->arn, ":");
    const char *account = settling->change->arn;

    partition += *partition == ':';
    for (int colons = 0; colons < 4; colons++) {
        account += strcspn(account, ":");
        account += *account == ':';
    }
    json_t *body = json_pack("{s:s, s:s, s:s}", "StatementId", id, "Action",
                             "lambda:InvokeFunction", "Principal", "s3.amazonaws.com");
    json_object_set_new(
        body, "SourceArn",
        json_sprintf("arn:%.*s:s3:::%s", (int)strcspn(partition, ":"), partition, bucket));
    /* Somebody who makes a bucket of this name after us may not call. */
    if (!storage_path_account(provider))
        json_object_set_new(body, "SourceAccount",
                            json_sprintf("%.*s", (int)strcspn(account, ":"), account));
    return body;
}

static bool allow(const struct settling *settling, const char *bucket, const char *provider,
                  struct error *err)
{
    owned(memory) char *id = statement_id(bucket);
    owned(memory) char *path = function_path(FUNCTIONS, settling->change->function, "/policy");
    const struct aws_call call = {
        .service = "lambda", .operation = "AddPermission", .path = path};
    struct error refused = {0};

    if (is_permitted(settling, id) || !is_done(settling, "AddPermission", bucket, ""))
        return true;
    json_owned json_t *body = permission(settling, bucket, provider, id);
    if (function_ask(settling->aws, &call, body, NULL, NULL, &refused) ||
        refused.kind == ERROR_CONFLICT)
        return true;
    *err = refused;
    return false;
}

static bool forbid(const struct settling *settling, const char *bucket, struct error *err)
{
    owned(memory) char *id = statement_id(bucket);
    owned(memory) char *part = text_format("/policy/%s", id);
    owned(memory) char *path = function_path(FUNCTIONS, settling->change->function, part);
    const struct aws_call call = {
        .service = "lambda",
        .operation = "RemovePermission",
        .method = "DELETE",
        .path = path,
    };
    struct error refused = {0};

    if (!is_permitted(settling, id) || !is_done(settling, "RemovePermission", bucket, "") ||
        function_ask(settling->aws, &call, NULL, NULL, NULL, &refused) ||
        refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}

/* --- one bucket --- */

/* The document of a bucket that is not there is that of one that calls nobody. */
static bool read_notification(struct bucket *bucket, char **xml, struct error *err)
{
    struct error refused = {0};

    if (bucket_read_notification(bucket, xml, &refused))
        return true;
    if (refused.kind != ERROR_NOT_FOUND) {
        *err = refused;
        return false;
    }
    *xml = memory_copy_string(NOTIFICATION_NONE);
    return true;
}

static bool check_region(const struct settling *settling, const struct bucket *bucket,
                         struct error *err)
{
    return strcmp(bucket->region, settling->aws->region) == 0 ||
           error_set(err, ERROR_INVALID,
                     "bucket '%.80s' is in region %s, and only those in %s, where the function "
                     "is, can call it",
                     bucket->name, bucket->region, settling->aws->region);
}

static bool make_places(const struct settling *settling, struct bucket *bucket,
                        const json_t *folders, struct error *err)
{
    const json_t *folder = NULL;
    size_t i;

    json_array_foreach(
        folders, i,
        folder) if (!make_place(settling, bucket, json_string_value(folder), err)) return false;
    return true;
}

/* First the folder: it would be an arrival, too. */
static bool settle_bucket(const struct settling *settling, struct bucket *bucket,
                          const json_t *entry, struct error *err)
{
    const json_t *wanted = json_object_get(entry, "wanted");
    const char *provider = json_optional_string(entry, "provider");
    const char *arn = settling->change->arn;
    json_owned json_t *unwanted = only_former(entry);
    owned(memory) char *xml = NULL;
    owned(memory) char *edited = NULL;
    const struct notification_change change = {
        .function = arn ? arn : "",
        .wanted = wanted,
        .unwanted = unwanted,
    };
    bool calls = json_array_size(wanted) > 0;

    if (!read_notification(bucket, &xml, err) ||
        !notification_edit(xml, &change, &edited, err) ||
        (calls && !check_region(settling, bucket, err)) ||
        (edited && !make_places(settling, bucket, wanted, err)) ||
        (calls && !allow(settling, bucket->name, provider, err)))
        return false;
    if (edited && is_done(settling, "PutBucketNotificationConfiguration", bucket->name, "")) {
        if (!bucket_write_notification(bucket, edited, !calls, err))
            return false;
        progress_step(settling->aws->progress, "Bucket '%s' %s the function.", bucket->name,
                      calls ? "calls" : "no longer calls");
    }
    return calls || forbid(settling, bucket->name, err);
}

static bool settle_inputs(const struct settling *settling, json_t *buckets, struct error *err)
{
    const struct trigger_change *change = settling->change;
    const char *name;
    json_t *entry;

    json_object_foreach(buckets, name, entry)
    {
        owned(asker) struct asker asker;
        struct bucket bucket;
        const char *provider = json_optional_string(entry, "provider");
        bool is_wanted = json_array_size(json_object_get(entry, "wanted")) > 0;
        asker_init(&asker, settling->aws, provider,
                   is_wanted ? change->providers
                             : json_object_get(change->former, "storage_providers"));
        bucket_init(&bucket, &asker.aws, name);
        if (!settle_bucket(settling, &bucket, entry, err))
            return error_wrap(err, "input '%.80s'", name);
    }
    return true;
}

static bool settle_outputs(const struct settling *settling, struct error *err)
{
    const struct trigger_change *change = settling->change;
    const json_t *output = NULL;
    size_t i;

    json_array_foreach(json_object_get(change->wanted, "output"), i, output)
    {
        const char *provider = json_optional_string(output, "storage_provider");
        const char *path = json_optional_string(output, "path");
        owned(storage_path) struct storage_path place = {0};
        owned(asker) struct asker asker;
        struct bucket bucket;

        assert(provider && path); /* a definition has both */
        asker_init(&asker, settling->aws, provider, change->providers);
        storage_path_read(path, &place);
        bucket_init(&bucket, &asker.aws, place.bucket);
        if (storage_path_is_s3(provider) && !make_place(settling, &bucket, place.folder, err))
            return error_wrap(err, "output '%.80s'", path);
    }
    return true;
}

bool trigger_settle(const struct aws *aws, const struct trigger_change *change,
                    struct error *err)
{
    owned(settling) struct settling settling = {.aws = aws, .change = change};
    json_owned json_t *buckets = inputs_of(change->former, change->wanted);

    if (json_object_size(buckets) > 0 && !ask_policy(&settling, err))
        return false;
    return settle_outputs(&settling, err) && settle_inputs(&settling, buckets, err);
}

/* --- the function goes --- */

static bool silence(struct bucket *bucket, const char *arn, bool *changed, struct error *err)
{
    const struct notification_change change = {.function = arn, .removes_all = true};
    owned(memory) char *xml = NULL;
    owned(memory) char *edited = NULL;

    if (!bucket_read_notification(bucket, &xml, err) ||
        !notification_edit(xml, &change, &edited, err))
        return false;
    if (!edited)
        return true;
    *changed = true;
    return bucket_write_notification(bucket, edited, true, err);
}

bool trigger_remove(const struct aws *aws, const char *arn, const json_t *former,
                    struct error *err)
{
    json_owned json_t *buckets = inputs_of(former, NULL);
    bool changed = false;
    const char *name;
    json_t *entry;

    json_object_foreach(buckets, name, entry)
    {
        owned(asker) struct asker asker;
        struct bucket bucket;
        struct error refused = {0};
        asker_init(&asker, aws, json_optional_string(entry, "provider"),
                   json_object_get(former, "storage_providers"));
        bucket_init(&bucket, &asker.aws, name);
        if (silence(&bucket, arn, &changed, &refused) || refused.kind == ERROR_NOT_FOUND)
            continue;
        if (refused.kind != ERROR_DENIED) {
            *err = refused;
            return false;
        }
        progress_warn(aws->progress, "the bucket goes on calling the function that is gone: %s",
                      refused.text);
    }
    if (changed)
        progress_step(aws->progress, "Bucket notifications successfully deleted.");
    return true;
}
