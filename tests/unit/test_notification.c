/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications of a bucket: a function's entries come and go, and everything else in the
 * document stays as it was written.
 */
#include "lambda/aws/notification.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

#define ARN "arn:aws:lambda:eu-west-1:123456789012:function:f"
#define HEAD "<?xml version=\"1.0\"?>\n<NotificationConfiguration xmlns=\"http://x/\">"
#define END "</NotificationConfiguration>"
#define CALL(arn, event, filter)                                                               \
    "<CloudFunctionConfiguration><Id>i</Id><CloudFunction>" arn                                \
    "</CloudFunction>" event filter "</CloudFunctionConfiguration>"
#define MADE(filter)                                                                           \
    "<CloudFunctionConfiguration><CloudFunction>" ARN "</CloudFunction>" ALL filter            \
    "</CloudFunctionConfiguration>"
#define ALL "<Event>s3:ObjectCreated:*</Event>"
#define RULE(name, value)                                                                      \
    "<FilterRule><Name>" name "</Name><Value>" value "</Value></FilterRule>"
#define FILTER(rules) "<Filter><S3Key>" rules "</S3Key></Filter>"
#define PREFIX(value) FILTER(RULE("prefix", value))
#define QUEUE                                                                                  \
    "\n  <QueueConfiguration><Id>q &amp; a</Id><Queue>" ARN "</Queue>" ALL                     \
    "</QueueConfiguration><EventBridgeConfiguration/><New a=\"1\"><Inner/></New>\n"

static char *edit(const char *xml, const char *wanted, const char *unwanted, bool all)
{
    json_owned json_t *more = wanted ? json_loads(wanted, 0, NULL) : NULL;
    json_owned json_t *less = unwanted ? json_loads(unwanted, 0, NULL) : NULL;
    const struct notification_change change = {ARN, more, less, all};
    struct error err;
    char *out;

    assert_ok(notification_edit(xml, &change, &out, &err));
    return out;
}

static void entries_come_and_go_and_all_else_stays(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *wanted, *unwanted;
        bool all;
        const char *expected; /* NULL: as it is */
    } cases[] = {
        {NOTIFICATION_NONE, NULL, "[\"in/\"]", false, NULL},
        {HEAD END, "[\"in/\"]", NULL, false, HEAD MADE(PREFIX("in/")) END},
        {"<NotificationConfiguration/>", "[\"\"]", NULL, false,
         "<NotificationConfiguration>" MADE("") END},
        {HEAD QUEUE END, "[\"a b/\", \"x&<=/\"]", NULL, false,
         HEAD QUEUE MADE(PREFIX("a+b/")) MADE(PREFIX("x%26%3C%3D/")) END},
        {HEAD CALL(ARN, ALL, PREFIX("in/")) END, "[\"in/\"]", NULL, false, NULL},
        {HEAD CALL(ARN, ALL, FILTER(RULE("Prefix", "in/"))) END, "[\"in/\"]", "[\"old/\"]",
         false, NULL},
        {HEAD CALL(ARN, ALL, "") END, "[\"\"]", NULL, false, NULL},
        {HEAD CALL(ARN, ALL, PREFIX("")) END, "[\"\"]", NULL, false, NULL},
        {HEAD QUEUE CALL(ARN, ALL, PREFIX("in/")) QUEUE END, "[]", "[\"in/\"]", false,
         HEAD QUEUE QUEUE END},
        {HEAD CALL(ARN, ALL, PREFIX("in/")) CALL(ARN, ALL, PREFIX("to/")) END, "[\"at/\"]",
         "[\"in/\"]", false, HEAD CALL(ARN, ALL, PREFIX("to/")) MADE(PREFIX("at/")) END},
        /* Of other kinds, and of others. */
        {HEAD CALL(ARN, "<Event>s3:ObjectRemoved:*</Event>", PREFIX("in/")) END, NULL,
         "[\"in/\"]", false, NULL},
        {HEAD CALL(ARN, ALL ALL, PREFIX("in/")) END, NULL, "[\"in/\"]", false, NULL},
        {HEAD CALL(ARN, ALL, FILTER(RULE("suffix", "in/"))) END, NULL, "[\"in/\"]", false,
         NULL},
        {HEAD CALL(ARN, ALL, FILTER(RULE("prefix", "in/") RULE("suffix", "g"))) END, NULL,
         "[\"in/\"]", false, NULL},
        {HEAD CALL(ARN "2", ALL, PREFIX("in/")) END, NULL, "[\"in/\"]", false, NULL},
        {HEAD CALL(ARN ":live", ALL, PREFIX("in/")) END, NULL, "[\"in/\"]", false, NULL},
        /* The function goes. */
        {HEAD CALL(ARN, "<Event>s3:ObjectRemoved:*</Event>", "") CALL(ARN ":live", ALL, "")
             CALL(ARN "2", ALL, "") QUEUE END,
         NULL, NULL, true, HEAD CALL(ARN "2", ALL, "") QUEUE END},
        {HEAD QUEUE END, NULL, NULL, true, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *out =
            edit(cases[i].xml, cases[i].wanted, cases[i].unwanted, cases[i].all);
        if (!cases[i].expected && out)
            fail_msg("case %zu: became %s", i, out);
        if (cases[i].expected)
            assert_string_equal(out ? out : "(as it is)", cases[i].expected);
    }
}

static void what_is_no_such_document_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *xml, *says;
    } cases[] = {
        {"", "no NotificationConfiguration"},
        {"<html>", "no NotificationConfiguration"},
        {"<NotificationConfiguration", "no NotificationConfiguration"},
        {HEAD QUEUE, "a NotificationConfiguration without an end"},
        {HEAD "<CloudFunctionConfiguration>" END, "an entry without an end"},
    };
    json_owned json_t *wanted = json_pack("[s]", "in/");
    const struct notification_change change = {.function = ARN, .wanted = wanted};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        char *out;
        assert_fails(notification_edit(cases[i].xml, &change, &out, &err), ERROR_INVALID,
                     cases[i].says);
        assert_null(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_and_go_and_all_else_stays),
        cmocka_unit_test(what_is_no_such_document_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
