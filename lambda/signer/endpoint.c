/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/signer/endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum place {
    PLACE_REGIONAL,
    PLACE_GOV_FIPS, /* the same, but its usual hosts of AWS GovCloud are those for FIPS, too */
    PLACE_BUCKETS,  /* the same, with dual-stack hosts of an older kind: S3 */
    PLACE_GLOBAL,   /* one for all regions of a partition: IAM */
};

struct service {
    const char *name;
    const char *variable;
    const char *key;  /* in the configuration file */
    const char *host; /* its first labels */
    const char *dual_host;
    enum place place;
};

/* clang-format off */
static const struct service services[] = {
    {"lambda", "AWS_ENDPOINT_URL_LAMBDA", "lambda", "lambda", "lambda", PLACE_REGIONAL},
    {"ecr", "AWS_ENDPOINT_URL_ECR", "ecr", "api.ecr", "ecr", PLACE_REGIONAL},
    {"ecr-public", "AWS_ENDPOINT_URL_ECR_PUBLIC", "ecr_public", "api.ecr-public", "ecr-public",
     PLACE_REGIONAL},
    {"s3", "AWS_ENDPOINT_URL_S3", "s3", "s3", "s3", PLACE_BUCKETS},
    {"logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "cloudwatch_logs", "logs", "logs", PLACE_GOV_FIPS},
    {"sts", "AWS_ENDPOINT_URL_STS", "sts", "sts", "sts", PLACE_GOV_FIPS},
    {"sso", "AWS_ENDPOINT_URL_SSO", "sso", "portal.sso", "portal.sso", PLACE_GOV_FIPS},
    {"sso-oidc", "AWS_ENDPOINT_URL_SSO_OIDC", "sso_oidc", "oidc", "oidc", PLACE_GOV_FIPS},
    {"iam", "AWS_ENDPOINT_URL_IAM", "iam", "iam", "iam", PLACE_GLOBAL},
};
/* clang-format on */

/* AWS's partitions, told by how their regions begin. */
struct partition {
    const char *region_start;
    const char *domain;
    const char *dual_domain; /* NULL: none */
    const char *iam_region;  /* where IAM is */
    const char *iam_host;
    const char *iam_fips_host;
};

static const struct partition partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-north-1",
     "iam.cn-north-1.amazonaws.com.cn", "iam-fips.amazonaws.com.cn"},
    {"us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1", "iam.us-gov.amazonaws.com",
     "iam.us-gov.amazonaws.com"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", "iam.us-iso-east-1.c2s.ic.gov",
     "iam-fips.us-iso-east-1.c2s.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1",
     "iam.us-isob-east-1.sc2s.sgov.gov", "iam-fips.us-isob-east-1.sc2s.sgov.gov"},
    {"us-isof-", "csp.hci.ic.gov", NULL, "us-isof-south-1",
     "iam.us-isof-south-1.csp.hci.ic.gov", "iam-fips.csp.hci.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk", NULL, "eu-isoe-west-1", "iam.eu-isoe-west-1.cloud.adc-e.uk",
     "iam-fips.cloud.adc-e.uk"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1",
     "iam.eusc-de-east-1.amazonaws.eu", "iam-fips.amazonaws.eu"},
    {"", "amazonaws.com", "api.aws", "us-east-1", "iam.amazonaws.com",
     "iam-fips.amazonaws.com"},
};

static const struct partition *find_partition(const char *region)
{
    for (const struct partition *each = partitions;; each++)
        if (strncmp(region, each->region_start, strlen(each->region_start)) == 0)
            return each;
}

const char *endpoint_domain(const char *region)
{
    return find_partition(region)->domain;
}

static const struct service *find_service(const char *name)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (strcmp(services[i].name, name) == 0)
            return &services[i];
    abort(); /* services are named by our own code */
}

/* Blanks and control characters have no place in a URL, a user or a query none in this one. */
static bool is_endpoint(const char *url)
{
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : "";

    for (const char *c = host; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *host && *host != '/' && !strpbrk(host, "@?#");
}

static char *usual_url(const struct service *service, const struct partition *partition,
                       const char *region, const struct endpoint_wish *wish)
{
    bool is_gov = strcmp(partition->region_start, "us-gov-") == 0;
    bool is_fips_already = service->place == PLACE_GOV_FIPS && is_gov && !wish->dual_stack;
    const char *fips = wish->fips && !is_fips_already ? "-fips" : "";

    if (service->place == PLACE_GLOBAL)
        return text_format("https://%s",
                           wish->fips ? partition->iam_fips_host : partition->iam_host);
    if (!wish->dual_stack)
        return text_format("https://%s%s.%s.%s", service->host, fips, region,
                           partition->domain);
    if (service->place == PLACE_BUCKETS)
        return text_format("https://%s%s.dualstack.%s.%s", service->host, fips, region,
                           partition->domain);
    return text_format("https://%s%s.%s.%s", service->dual_host, fips, region,
                       partition->dual_domain);
}

static char *without_slashes(const char *url)
{
    size_t length = strlen(url);

    while (url[length - 1] == '/')
        length--;
    return text_format("%.*s", (int)length, url);
}

char *endpoint_from_url(const char *url)
{
    return is_endpoint(url) ? without_slashes(url) : NULL;
}

bool endpoint_make(const char *service, const char *region, const struct endpoint_wish *wish,
                   struct endpoint *out, struct error *err)
{
    const struct service *known = find_service(service);
    const struct partition *partition = find_partition(region);

    if (wish->url && !is_endpoint(wish->url))
        return error_set(err, ERROR_USAGE,
                         "%s is no URL of an endpoint, which looks like https://host:port",
                         wish->said_by);
    if (!wish->url && wish->dual_stack && !partition->dual_domain &&
        known->place != PLACE_GLOBAL)
        return error_set(err, ERROR_USAGE,
                         "region '%.80s' has no dual-stack endpoints: unset "
                         "AWS_USE_DUALSTACK_ENDPOINT and use_dualstack_endpoint",
                         region);
    out->url =
        wish->url ? without_slashes(wish->url) : usual_url(known, partition, region, wish);
    out->region =
        memory_copy_string(known->place == PLACE_GLOBAL ? partition->iam_region : region);
    return true;
}

static bool is_on(const char *const *environment, const char *variable)
{
    const char *value = environment_get(environment, variable);

    return value && strcasecmp(value, "true") == 0;
}

bool endpoint_find(const char *const *environment, const char *service, const char *region,
                   char **out, struct error *err)
{
    static const char for_all[] = "AWS_ENDPOINT_URL";
    const char *variable = endpoint_variable(service);
    bool is_own = environment_get(environment, variable);
    const struct endpoint_wish wish = {
        .url = environment_get(environment, is_own ? variable : for_all),
        .said_by = is_own ? variable : for_all,
        .fips = is_on(environment, "AWS_USE_FIPS_ENDPOINT"),
        .dual_stack = is_on(environment, "AWS_USE_DUALSTACK_ENDPOINT"),
    };
    owned(endpoint) struct endpoint found = {0};

    if (!endpoint_make(service, region, &wish, &found, err))
        return false;
    *out = take(&found.url);
    return true;
}

const char *endpoint_variable(const char *service)
{
    return find_service(service)->variable;
}

const char *endpoint_key(const char *service)
{
    return find_service(service)->key;
}

void endpoint_release(struct endpoint *endpoint)
{
    free(endpoint->url);
    free(endpoint->region);
    *endpoint = (struct endpoint){0};
}
