/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/storage.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/signer/endpoint.h"
#include "lambda/signer/storage_path.h"
#include "lambda/supervisor/s3_url.h"
#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

#define SUPPORTED "S3 and MinIO are the storages that are supported"

static const char MINIO_ENDPOINT[] = "http://minio-service.minio:9000"; /* SCAR's default */
static const char FIRST_REGION[] = "us-east-1";

/* The two kinds: what they are called in the configuration, and by SCAR in its messages. */
static const struct {
    const char *key;
    const char *name;
} kinds[] = {{"s3", "S3"}, {"minio", "MINIO"}};

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void storage_release(struct storage *storage)
{
    for (size_t i = 0; i < storage->account_count; i++)
        s3_account_release(&storage->accounts[i]);
    for (size_t i = 0; i < storage->output_count; i++) {
        free(storage->outputs[i].bucket);
        free(storage->outputs[i].folder);
        free_list(storage->outputs[i].prefixes);
        free_list(storage->outputs[i].suffixes);
    }
    free(storage->accounts);
    free(storage->outputs);
    *storage = (struct storage){0};
}

/* --- accounts -------------------------------------------------------------------------------
 */

static char *copy_optional(const char *text)
{
    return text && *text ? memory_copy_string(text) : NULL;
}

static bool is_printable(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return true;
}

/* A blank or line end that came along with a copied key would end up in a header. */
static bool take_key(const json_t *json, const char *field, size_t kind, char **out,
                     struct error *err)
{
    const char *key = json_optional_string(json, field);

    if (!key || !*key)
        return error_set(err, ERROR_INVALID,
                         "The storage authentication of '%s' is not well-defined: '%s' is "
                         "missing",
                         kinds[kind].name, field);
    if (!is_printable(key))
        return error_set(err, ERROR_INVALID,
                         "The storage authentication of '%s' is not well-defined: '%s' holds a "
                         "character that no key has",
                         kinds[kind].name, field);
    *out = memory_copy_string(key);
    return true;
}

static const char *default_region(const char *const *environment)
{
    const char *region = environment_get(environment, "AWS_REGION");

    if (!region)
        region = environment_get(environment, "AWS_DEFAULT_REGION");
    return region ? region : FIRST_REGION;
}

/* What the environment says about S3. */
static bool read_s3_endpoint(const char *const *environment, char **out, struct error *err)
{
    const char *url = environment_get(environment, endpoint_variable("s3"));

    if (!url)
        url = environment_get(environment, "AWS_ENDPOINT_URL");
    *out = url ? endpoint_from_url(url) : NULL;
    return !url || *out ||
           error_set(err, ERROR_INVALID,
                     "%s: '%.200s' is no URL, which looks like "
                     "https://host:port",
                     endpoint_variable("s3"), url);
}

static bool read_endpoint(const json_t *json, const char *const *environment, bool is_minio,
                          char **out, struct error *err)
{
    const char *given = json_optional_string(json, "endpoint");

    if (!given && !is_minio)
        return read_s3_endpoint(environment, out, err);
    *out = endpoint_from_url(given ? given : MINIO_ENDPOINT);
    return *out ||
           error_set(err, ERROR_INVALID,
                     "endpoint '%.200s' is no URL, which looks like https://host:port", given);
}

static bool read_account(const json_t *json, size_t kind, const char *id,
                         const char *const *environment, struct s3_account *account,
                         struct error *err)
{
    bool is_minio = strcmp(kinds[kind].key, "minio") == 0;
    const char *region = json_optional_string(json, "region");
    const json_t *verify = json_object_get(json, "verify");

    account->name = text_format("%s.%s", kinds[kind].key, id);
    account->region = memory_copy_string(region && *region ? region
                                         : is_minio        ? FIRST_REGION
                                                           : default_region(environment));
    account->unverified = json_is_false(verify);
    account->credentials.session_token =
        copy_optional(json_optional_string(json, "session_token"));
    if (!s3_region_is_plain(account->region))
        return error_set(err, ERROR_INVALID, "'%.80s' is no region", account->region);
    return take_key(json, "access_key", kind, &account->credentials.access_key, err) &&
           take_key(json, "secret_key", kind, &account->credentials.secret_key, err) &&
           read_endpoint(json, environment, is_minio, &account->endpoint, err);
}

/* The one of the function's role. Without credentials it is no use, but no mistake. */
static bool read_role(const char *const *environment, struct s3_account *account,
                      struct error *err)
{
    struct aws_credentials *credentials = &account->credentials;

    account->name = memory_copy_string("s3");
    account->region = memory_copy_string(default_region(environment));
    credentials->access_key = copy_optional(environment_get(environment, "AWS_ACCESS_KEY_ID"));
    credentials->secret_key =
        copy_optional(environment_get(environment, "AWS_SECRET_ACCESS_KEY"));
    credentials->session_token =
        copy_optional(environment_get(environment, "AWS_SESSION_TOKEN"));
    return read_s3_endpoint(environment, &account->endpoint, err);
}

static bool read_accounts(const json_t *config, const char *const *environment,
                          struct storage *storage, struct error *err)
{
    json_t *providers = json_object_get(config, "storage_providers");
    size_t count = 1;

    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++)
        count += json_object_size(json_object_get(providers, kinds[kind].key));
    if (count > STORAGE_ACCOUNTS_LIMIT)
        return error_set(err, ERROR_LIMIT, "storage_providers: more than %d",
                         STORAGE_ACCOUNTS_LIMIT);
    storage->accounts = memory_new(count, sizeof *storage->accounts);
    storage->account_count = 1;
    if (!read_role(environment, &storage->accounts[0], err))
        return false;

    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        const char *id;
        json_t *json;
        json_object_foreach(json_object_get(providers, kinds[kind].key), id, json)
        {
            struct s3_account *account = &storage->accounts[storage->account_count++];
            if (!read_account(json, kind, id, environment, account, err))
                return error_wrap(err, "storage_providers.%s.%.80s", kinds[kind].key, id);
        }
    }
    return true;
}

/* By "minio.lab", or without an id as one called "default"; NULL when there is none. */
static const struct s3_account *find_account(const struct storage *storage, const char *kind,
                                             const char *id)
{
    owned(memory) char *name = text_format("%s.%s", kind, id ? id : "default");

    for (size_t i = 0; i < storage->account_count; i++)
        if (strcmp(storage->accounts[i].name, name) == 0)
            return &storage->accounts[i];
    return NULL;
}

/* The only one of its kind; NULL when there are several or none. */
static const struct s3_account *only_account(const struct storage *storage, const char *kind)
{
    const struct s3_account *found = NULL;
    size_t length = strlen(kind);

    for (size_t i = 1; i < storage->account_count; i++) {
        const char *name = storage->accounts[i].name;
        if (strncmp(name, kind, length) != 0 || name[length] != '.')
            continue;
        if (found)
            return NULL;
        found = &storage->accounts[i];
    }
    return found;
}

bool storage_account_of(const struct storage *storage, const struct event *event,
                        const struct s3_account **out, struct error *err)
{
    const char *kind = event->origin == EVENT_MINIO ? "minio" : "s3";
    const char *id = event->provider_id;

    *out = find_account(storage, kind, id);
    if (!*out && event->origin == EVENT_S3 && (!id || strcmp(id, "default") == 0))
        *out = &storage->accounts[0];
    if (!*out && !id)
        *out = only_account(storage, kind);
    if (!*out && id)
        return error_set(err, ERROR_NOT_FOUND,
                         "the event comes from '%s.%.80s', which is not in storage_providers",
                         kind, id);
    return true;
}

/* --- outputs
 * ---------------------------------------------------------------------------------- */

/* A list of strings, or a string alone; NULL when there are none. */
static bool read_filter(const json_t *output, const char *name, char ***out, struct error *err)
{
    const json_t *given = json_object_get(output, name);
    size_t count = json_is_array(given) ? json_array_size(given) : json_is_string(given);

    if (given && !json_is_null(given) && !json_is_array(given) && !json_is_string(given))
        return error_set(err, ERROR_INVALID, "'%s' is not a list", name);
    if (count == 0)
        return true;
    *out = memory_new(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(given) ? json_array_get(given, i) : given;
        if (!json_is_string(item))
            return error_set(err, ERROR_INVALID, "'%s' holds something that is not text", name);
        (*out)[i] = memory_copy_string(json_string_value(item));
    }
    return true;
}

static bool find_provider(const struct storage *storage, const char *provider,
                          const struct s3_account **out, struct error *err)
{
    const char *dot = strchr(provider, '.');
    size_t length = strcspn(provider, ".");

    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        const char *key = kinds[kind].key;
        if (strlen(key) != length || strncmp(key, provider, length) != 0)
            continue;
        *out = find_account(storage, key, dot ? dot + 1 : NULL);
        if (!*out && strcmp(provider, "s3") == 0)
            *out = &storage->accounts[0];
        return *out ||
               error_set(err, ERROR_INVALID,
                         "storage_provider '%.80s' is not in storage_providers", provider);
    }
    return error_set(err, ERROR_INVALID, "storage_provider '%.80s': " SUPPORTED, provider);
}

static bool read_output(const json_t *json, const struct storage *storage,
                        struct storage_output *output, struct error *err)
{
    const char *provider, *path;
    struct storage_path place;

    if (!json_field_string(json, "storage_provider", &provider, err) ||
        !json_field_string(json, "path", &path, err) ||
        !find_provider(storage, provider, &output->account, err))
        return false;
    storage_path_read(path, &place);
    output->bucket = place.bucket;
    output->folder = place.folder;
    if (!*output->bucket)
        return error_set(err, ERROR_INVALID, "'path' names no bucket");
    return read_filter(json, "prefix", &output->prefixes, err) &&
           read_filter(json, "suffix", &output->suffixes, err);
}

static bool read_outputs(const json_t *config, struct storage *storage, struct error *err)
{
    const json_t *outputs = json_object_get(config, "output");
    size_t count = json_array_size(outputs);

    if (outputs && !json_is_null(outputs) && !json_is_array(outputs))
        return error_set(err, ERROR_INVALID, "'output' is not a list");
    if (count > STORAGE_OUTPUTS_LIMIT)
        return error_set(err, ERROR_LIMIT, "output: more than %d", STORAGE_OUTPUTS_LIMIT);
    storage->outputs = memory_new(count, sizeof *storage->outputs);
    storage->output_count = count;
    for (size_t i = 0; i < count; i++)
        if (!read_output(json_array_get(outputs, i), storage, &storage->outputs[i], err))
            return error_wrap(err, "output[%zu]", i);
    return true;
}

static bool matches(char *const *ends, const char *path, bool at_end)
{
    size_t length = strlen(path);

    for (; *ends; ends++) {
        size_t count = strlen(*ends);
        if (count <= length &&
            strncmp(at_end ? path + length - count : path, *ends, count) == 0)
            return true;
    }
    return false;
}

bool storage_output_takes(const struct storage_output *output, const char *path)
{
    return (!output->prefixes || matches(output->prefixes, path, false)) &&
           (!output->suffixes || matches(output->suffixes, path, true));
}

bool storage_read(const json_t *config, const char *const *environment, struct storage *out,
                  struct error *err)
{
    return read_accounts(config, environment, out, err) && read_outputs(config, out, err);
}
