/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_checkup.h"

#include <string.h>

#include "lambda/aws/ecr.h"
#include "lambda/aws/identity.h"
#include "lambda/aws/role_trust.h"
#include "lambda/signer/endpoint.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/registry.h"

static const char TRUST_ADVICE[] =
    "let \"Principal\": {\"Service\": \"lambda.amazonaws.com\"} do \"sts:AssumeRole\" in the "
    "role's trust policy";
static const char NETWORK_ADVICE[] = "look at the network, the proxies (https_proxy, "
                                     "no_proxy), AWS_ENDPOINT_URL and AWS_CA_BUNDLE";

/* What to do about an error, where its text does not say it already. */
static const char *advice_about(const struct error *err, const char *when_denied)
{
    return err->kind == ERROR_NETWORK ? NETWORK_ADVICE : when_denied;
}

static bool check_region(const struct aws_options *options, struct aws_session *session,
                         struct checkup *out)
{
    struct error err;

    if (!aws_session_open(options, session, &err)) {
        checkup_add(out, "region", FINDING_WRONG, NULL, "%s", err.text);
        return false;
    }
    checkup_add(out, "region", FINDING_OK, NULL, "%s, from %s", session->region,
                session->region_origin);
    return true;
}

static bool check_credentials(struct aws_session *session, struct identity *identity,
                              struct checkup *out)
{
    owned(memory) char *origin = NULL;
    struct error err;

    if (!aws_session_check_credentials(session, &origin, &err)) {
        checkup_add(out, "credentials", FINDING_WRONG, advice_about(&err, NULL), "%s",
                    err.text);
        return false;
    }
    if (!identity_get(&session->aws, identity, &err)) {
        checkup_add(out, "credentials", FINDING_WRONG,
                    advice_about(&err, "get new credentials"), "from %s: %s", origin, err.text);
        return false;
    }
    checkup_add(out, "credentials", FINDING_OK, NULL, "%s of account %s, from %s",
                identity->arn, identity->account, origin);
    return true;
}

static bool check_ecr(const struct aws *aws, struct ecr_login *login, struct checkup *out)
{
    struct error err;

    if (!ecr_ask_login(aws, login, &err)) {
        checkup_add(out, "ECR", FINDING_WRONG,
                    advice_about(&err,
                                 "let this user do ecr:GetAuthorizationToken on *, and what "
                                 "else the README lists"),
                    "%s", err.text);
        return false;
    }
    checkup_add(out, "ECR", FINDING_OK, NULL, "gives logins for %s", login->url);
    return true;
}

/* "arn:aws:iam::123456789012:role/x" is of the account in its fifth field. */
static bool is_of_account(const char *arn, const char *account)
{
    for (int colons = 0; colons < 4; colons++) {
        arn = strchr(arn, ':');
        if (!arn)
            return false;
        arn++;
    }
    return strncmp(arn, account, strlen(account)) == 0 && arn[strlen(account)] == ':';
}

static void check_role(const struct aws *aws, const struct identity *identity, const char *role,
                       struct checkup *out)
{
    struct error err;

    if (!is_of_account(role, identity->account)) {
        checkup_add(out, "role", FINDING_WRONG, "name a role of the account the function is in",
                    "%s is not of account %s", role, identity->account);
    } else if (role_trust_check(aws, role, &err)) {
        checkup_add(out, "role", FINDING_OK, NULL, "%s may be assumed by Lambda", role);
    } else if (err.kind == ERROR_DENIED) {
        checkup_add(out, "role", FINDING_UNSURE,
                    "let this user do iam:GetRole for this check alone, or go on without it",
                    "%s could not be looked at: %s", role, err.text);
    } else {
        checkup_add(out, "role", FINDING_WRONG,
                    advice_about(&err, err.kind == ERROR_NOT_FOUND
                                           ? "make the role, or name another"
                                           : TRUST_ADVICE),
                    "%s: %s", role, err.text);
    }
}

static void check_roles(const struct aws *aws, const struct identity *identity,
                        const char *const *roles, struct checkup *out)
{
    if (!*roles)
        checkup_add(out, "role", FINDING_SKIPPED,
                    "set iam.role in the definition (-f FILE), give --iam-role ARN, or let "
                    "'skiff init --create-role' make one",
                    "no role was named");
    for (; *roles; roles++)
        check_role(aws, identity, *roles, out);
}

static void check_registry(const struct aws *aws, struct registries *registries,
                           const struct identity *identity, const struct ecr_login *login,
                           struct checkup *out)
{
    owned(memory) char *host = text_format("%s.dkr.ecr.%s.%s", identity->account, aws->region,
                                           endpoint_domain(aws->region));
    struct error err;

    registries_set_login(registries, host, login->url, &login->login);
    if (registries_check_login(registries, host, &err))
        checkup_add(out, "registry", FINDING_OK, NULL, "%s takes the login", host);
    else
        checkup_add(out, "registry", FINDING_WRONG,
                    advice_about(&err, "the login was given by ECR: is there a proxy or an "
                                       "endpoint in between that changes requests?"),
                    "%s: %s", host, err.text);
}

static void skip(const char *const *names, const char *why, struct checkup *out)
{
    for (; *names; names++)
        checkup_add(out, *names, FINDING_SKIPPED, NULL, "needs %s", why);
}

void aws_checkup(const struct aws_options *options, const char *const *roles,
                 struct checkup *out)
{
    static const char *const all[] = {"credentials", "ECR", "role", "registry", NULL};
    static const char *const registry[] = {"registry", NULL};
    owned(aws_session) struct aws_session session = {0};
    owned(identity) struct identity identity = {0};
    owned(ecr_login) struct ecr_login login = {0};

    if (!check_region(options, &session, out)) {
        skip(all, "a region", out);
        return;
    }
    if (!check_credentials(&session, &identity, out)) {
        skip(all + 1, "credentials", out);
        return;
    }
    bool has_login = check_ecr(&session.aws, &login, out);
    check_roles(&session.aws, &identity, roles, out);
    if (has_login)
        check_registry(&session.aws, options->registries, &identity, &login, out);
    else
        skip(registry, "a login from ECR", out);
}
