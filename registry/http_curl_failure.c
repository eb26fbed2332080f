/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_curl_failure.h"

#include <ctype.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "registry/http.h"
#include "registry/http_proxies.h"

/* A resolver that has to be guessed will not be there the next time either. */
static bool has_no_resolver(CURLcode result)
{
    return result == CURLE_COULDNT_RESOLVE_HOST && !file_exists("/etc/resolv.conf");
}

static bool speaks_no_tls(CURLcode result, const char *reason)
{
    return result == CURLE_SSL_CONNECT_ERROR && strstr(reason, "wrong version number");
}

/* What else is wrong with a certificate, its name or its age, no authority puts right. */
static bool has_unknown_authority(CURLcode result, const char *reason)
{
    return result == CURLE_PEER_FAILED_VERIFICATION &&
           (strstr(reason, "unable to") || strstr(reason, "self"));
}

/* Where the user knows something that we do not. */
static const char *advice(CURLcode result, const char *reason)
{
    if (has_no_resolver(result))
        return "; there is no /etc/resolv.conf, which names who could";
    if (has_unknown_authority(result, reason))
        return "; if it is to be trusted, give its authority with --ca-file";
    if (speaks_no_tls(result, reason))
        return "; if it speaks plain http, say so with --plain-http";
    return "";
}

static bool will_fail_again(CURLcode result, const char *reason)
{
    if (speaks_no_tls(result, reason) || has_no_resolver(result))
        return true;
    switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return true;
    default:
        return false;
    }
}

bool http_curl_explain(CURLcode result, const char *reason, const char *what,
                       const char *location, struct error *err)
{
    if ((result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_URL_MALFORMAT) && location) {
        owned(memory) char *url = http_url_for_people(location);
        return error_set(err, ERROR_INVALID, "%s: redirected to '%.200s', which is not safe",
                         what, url);
    }

    /* libcurl's sentence, begun like one of ours. */
    owned(memory) char *words =
        memory_copy_string(*reason ? reason : curl_easy_strerror(result));
    http_proxies_hide_user(words);
    if (isupper((unsigned char)words[0]) && islower((unsigned char)words[1]))
        words[0] = (char)tolower((unsigned char)words[0]);
    return error_set(err, will_fail_again(result, reason) ? ERROR_INVALID : ERROR_NETWORK,
                     "%s: %s%s", what, words, advice(result, reason));
}
