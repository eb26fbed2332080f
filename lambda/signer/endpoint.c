/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/signer/endpoint.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct service {
    const char *name;
    const char *variable;
    const char *host; /* its first labels */
};

static const struct service services[] = {
    {"lambda", "AWS_ENDPOINT_URL_LAMBDA", "lambda"},
    {"ecr", "AWS_ENDPOINT_URL_ECR", "api.ecr"},
    {"logs", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "logs"},
    {"s3", "AWS_ENDPOINT_URL_S3", "s3"},
    {"sts", "AWS_ENDPOINT_URL_STS", "sts"},
};

/* AWS's partitions, told by how their regions begin. */
static const struct {
    const char *region_start;
    const char *domain;
} domains[] = {
    {"cn-", "amazonaws.com.cn"}, {"us-isob-", "sc2s.sgov.gov"},  {"us-isof-", "csp.hci.ic.gov"},
    {"us-iso-", "c2s.ic.gov"},   {"eu-isoe-", "cloud.adc-e.uk"}, {"eusc-", "amazonaws.eu"},
    {"", "amazonaws.com"},
};

const char *endpoint_domain(const char *region)
{
    for (size_t i = 0;; i++)
        if (strncmp(region, domains[i].region_start, strlen(domains[i].region_start)) == 0)
            return domains[i].domain;
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

bool endpoint_find(const char *const *environment, const char *service, const char *region,
                   char **out, struct error *err)
{
    const struct service *known = find_service(service);
    const char *variable = known->variable;
    const char *url = environment_get(environment, variable);

    if (!url) {
        variable = "AWS_ENDPOINT_URL";
        url = environment_get(environment, variable);
    }
    if (!url) {
        *out = text_format("https://%s.%s.%s", known->host, region, endpoint_domain(region));
        return true;
    }
    if (!is_endpoint(url))
        return error_set(err, ERROR_USAGE,
                         "%s is no URL of an endpoint, which looks like https://host:port",
                         variable);

    size_t length = strlen(url);
    while (url[length - 1] == '/')
        length--;
    *out = text_format("%.*s", (int)length, url);
    return true;
}
