/* Commands against a daemon that answers as told. */
#include "fake.h"
#include "run.h"

#include <client.h>
#include <unistd.h>

/* Runs words against the fake's folder. */
#define ASK(f, ...) RUN("--node", (f)->dir.path, "--lang", "en", __VA_ARGS__)

static const char STATUS[] =
    "{\"node\":{\"structure\":\"CSAPA Nord\",\"sector\":\"community\","
    "\"version\":\"0.1.0\",\"state\":\"running\",\"listen\":[\"127.0.0.1:"
    "7447\"]"
    ",\"folder\":\"/n\",\"clock_at\":1771320000000},"
    "\"peers\":[{\"name\":\"H\xc3\xb4pital Sud\",\"role\":\"member\","
    "\"connected\":true,\"last_exchange_at\":1771319990000,\"proved\":true,"
    "\"proved_equal_at\":1771319990000,\"waiting_out\":0,\"waiting_in\":0},"
    "{\"name\":\"Ev\\u001b[31mil\",\"role\":\"moderator\",\"connected\":false,"
    "\"last_exchange_at\":0,\"proved\":false,\"proved_equal_at\":0,"
    "\"waiting_out\":3,\"waiting_in\":1,\"reason\":\"offline\","
    "\"reason_text\":\"it does not answer\"}],"
    "\"summary\":{\"peers\":2,\"proved\":1,\"sentence\":"
    "\"All is safe here; 3 changes wait for one structure.\"},"
    "\"notes\":[\"a note\"]}";

static void
status_begins_with_a_calm_sentence(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "status", .result = STATUS}, {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "status");
    assert_int_equal(r.exit, 0);
    assert_ptr_equal(strstr(r.main, "All is safe here"), r.main);
    assert_holds(r.main, "This node  CSAPA Nord (community), running, listens "
                         "on 127.0.0.1:7447\n");
    assert_holds(r.main, "Note       a note\n");
    assert_holds(r.main,
                 "  Structure    Role       Last exchange  Proved equal  "
                 "To send  To come  Why\n");
    assert_holds(r.main,
                 "  Hôpital Sud  member     just now       equal now     "
                 "0        0        connected\n");
    assert_holds(r.main,
                 "  Ev?[31mil    moderator  never          never         "
                 "3        1        it does not answer\n");
    assert_null(strchr(r.main, '\033'));
    assert_string_equal(r.talk, "");
    run_release(&r);
    r = ASK(&f, "status", "--json");
    assert_holds(r.main, "{\n  \"node\": {\n    \"structure\": \"CSAPA Nord\"");
    run_release(&r);
    fake_stop(&f);
}

static void
status_of_one_situation(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "status",
         .result = "{\"situation\":{\"code\":\"S01\",\"title\":\"Discharge\"},"
                   "\"holders\":[{\"name\":\"A\",\"role\":\"member\","
                   "\"state\":\"behind\",\"behind\":2,\"reason\":\"offline\"}"
                   "]}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "status", "S01");
    assert_int_equal(r.exit, 0);
    assert_string_equal(value_get_string(f.params, "situation"), "S01");
    assert_string_equal(value_get_string(f.params, "lang"), "en");
    assert_holds(r.main, "S01  Discharge\n");
    assert_holds(r.main, "A          member  behind  2       ");
    run_release(&r);
    fake_stop(&f);
}

static void
every_exit_code_comes_through(void **state)
{
    static const char *const errors[] = {
        "{\"code\":\"x\",\"exit\":1,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"usage\",\"exit\":2,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"x\",\"exit\":3,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"x\",\"exit\":4,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"x\",\"exit\":5,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"x\",\"exit\":6,\"text\":\"t\",\"hint\":\"h\"}",
        "{\"code\":\"x\",\"exit\":77}", /* no exit of ours */
    };
    static const int exits[] = {1, 2, 3, 4, 5, 6, 1};
    struct fake_answer answers[] = {{.method = "situation.offer"},
                                    {.method = NULL}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
        struct fake f;
        struct run r;

        answers[0].error = errors[i];
        fake_start(&f, answers, FAKE_POLITE);
        r = ASK(&f, "situation", "offer", "S01");
        assert_int_equal(r.exit, exits[i]);
        assert_string_equal(r.main, "");
        run_release(&r);
        fake_stop(&f);
    }
}

static void
a_refusal_names_rule_and_way_on(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "situation.offer",
         .error = "{\"code\":\"situation.no-basis\",\"exit\":1,\"text\":"
                  "\"a basis is missing\",\"hint\":\"say --basis\"}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "situation", "offer", "S01", "--structures", "A,B");
    assert_int_equal(value_count(value_get(f.params, "structures")), 2);
    assert_string_equal(r.talk, "Not done: a basis is missing\n"
                                "Rule: situation.no-basis\n"
                                "What to do: say --basis\n");
    run_release(&r);
    r = ASK(&f, "situation", "offer", "S01", "--json");
    assert_holds(r.main, "{\n  \"error\": {\n    \"code\": "
                         "\"situation.no-basis\",\n    \"exit\": 1,");
    assert_string_equal(r.talk, "");
    run_release(&r);
    fake_stop(&f);
}

static void
no_daemon_is_exit_three(void **state)
{
    struct test_dir dir;
    struct run r;

    (void)state;
    test_dir_init(&dir);
    r = RUN("--node", dir.path, "status");
    assert_int_equal(r.exit, 3);
    assert_holds(r.talk, "entente up");
    run_release(&r);
    r = RUN("--node", "/nowhere/at/all", "status");
    assert_int_equal(r.exit, 3);
    assert_holds(r.talk, "entente init");
    run_release(&r);
    test_dir_release(&dir);
}

static void
bad_daemons_are_told(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "status", .result = STATUS}, {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_HANGS_UP);
    r = ASK(&f, "status");
    assert_int_equal(r.exit, 3);
    assert_holds(r.talk, "went away");
    run_release(&r);
    fake_stop(&f);
    fake_start(&f, answers, FAKE_BABBLES);
    r = ASK(&f, "status");
    assert_int_equal(r.exit, 3);
    assert_holds(r.talk, "makes no sense");
    run_release(&r);
    fake_stop(&f);
    fake_start(&f, answers, FAKE_SLOW);
    r = ASK(&f, "status");
    assert_int_equal(r.exit, 0);
    run_release(&r);
    fake_stop(&f);
}

/* A daemon that takes the call and never answers. */
static void
silence_ends(void **state)
{
    struct fake f = {.fd = -1};
    static const struct fake_answer answers[] = {{.method = NULL}};
    struct value *params = value_object();
    struct value *result = NULL;
    struct value *error;
    struct client *c;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    c = client_open(f.dir.path); /* keeps the only thread busy */
    assert_non_null(c);
    {
        struct client *second = client_open(f.dir.path);

        assert_non_null(second);
        assert_int_equal(client_peer(second), getpid());
        error = client_call(second, "status", params, 50, NULL, &result);
        assert_string_equal(value_get_string(error, "code"), "no-answer");
        value_free(error);
        client_close(second);
    }
    client_close(c);
    value_free(params);
    fake_stop(&f);
}

static void
count_progress(void *arg, const struct value *params)
{
    int *count = arg;

    *count += (int)value_get_int(params, "total", 0);
}

static void
progress_comes_before_the_answer(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "verify",
         .progress = 4,
         .result = "{\"entries\":4,\"logs\":1,\"signatures\":2,\"forks\":0,"
                   "\"problems\":[]}"},
        {.method = NULL}};
    struct value *params = value_object();
    struct value *result = NULL;
    struct client *c;
    struct fake f;
    struct run r;
    int count = 0;
    const struct client_watcher watcher = {.on_progress = count_progress,
                                           .arg = &count};

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    c = client_open(f.dir.path);
    assert_null(client_call(c, "verify", params, 5000, &watcher, &result));
    assert_int_equal(count, 16);
    value_free(result);
    client_close(c);
    r = ASK(&f, "verify");
    assert_int_equal(r.exit, 0);
    assert_string_equal(r.main, "4 entries in 1 logs, 2 signatures: all in "
                                "order\n");
    assert_string_equal(r.talk, ""); /* no terminal, no progress line */
    run_release(&r);
    value_free(params);
    fake_stop(&f);
}

static void
trouble_in_the_store_is_exit_six(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "verify",
         .result = "{\"entries\":4,\"forks\":0,\"problems\":[\"entry 3\"]}"},
        {.method = "rebuild", .result = "{\"equal\":false}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "verify");
    assert_int_equal(r.exit, 6);
    assert_holds(r.main, "entry 3");
    run_release(&r);
    r = ASK(&f, "rebuild");
    assert_int_equal(r.exit, 6);
    run_release(&r);
    fake_stop(&f);
}

static void
a_text_is_sent_and_given_back_if_refused(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "situation.note", .result = "{}"},
        {.method = "situation.note",
         .error = "{\"code\":\"x\",\"exit\":1,\"text\":\"no\"}"},
        {.method = NULL}};
    struct fake f;
    struct run r;
    const char *words[] = {"--node", NULL, "situation", "note",
                           "S01",    "-",  NULL};

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    words[1] = f.dir.path;
    r = run_words(words, "first line\nsecond\n");
    assert_int_equal(r.exit, 0);
    assert_string_equal(value_get_string(f.params, "text"),
                        "first line\nsecond");
    assert_string_equal(value_get_string(f.params, "view"), "own");
    assert_holds(r.talk, "Kept, only here.");
    run_release(&r);
    r = run_words(words, "precious words\n");
    assert_int_equal(r.exit, 1);
    assert_holds(r.talk, "precious words");
    run_release(&r);
    fake_stop(&f);
}

static void
reports_are_printed_as_they_come(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "report",
         .result = "{\"report\":{\"situations\":10,\"alpha\":{\"Q2\":0.4083}},"
                   "\"text\":\"10 situations\\n8 of 10\\n\",\"audience\":"
                   "\"circle\",\"as_of_at\":0,\"peers_proved\":3,\"peers\":3}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "report");
    assert_string_equal(r.main, "10 situations\n8 of 10\n");
    assert_holds(r.talk, "proved equal with 3 of 3");
    assert_string_equal(value_get_string(f.params, "audience"), "circle");
    run_release(&r);
    r = ASK(&f, "report", "--format", "json");
    assert_string_equal(r.main, "{\n  \"alpha\": {\n    \"Q2\": 0.4083\n  },\n"
                                "  \"situations\": 10\n}\n");
    run_release(&r);
    fake_stop(&f);
}

static const struct fake_answer joining[] = {
    {.method = "join",
     .result = "{\"join\":\"j1\",\"circle_name\":\"Cercle\",\"inviter\":"
               "\"CAB\",\"state\":\"dialling\"}"},
    {.method = "join.status",
     .result = "{\"joins\":[{\"join\":\"j0\",\"state\":\"failed\"},"
               "{\"join\":\"j1\",\"state\":\"dialling\"}]}"},
    {.method = "join.status",
     .result = "{\"joins\":[{\"join\":\"j1\",\"state\":\"compare\",\"code\":"
               "\"123456\"}]}"},
    {.method = "join.status",
     .result = "{\"joins\":[{\"join\":\"j1\",\"state\":\"waiting-for-vote\","
               "\"circle_name\":\"Cercle\"}]}"},
    {.method = "join.confirm", .result = "{\"state\":\"waiting-for-vote\"}"},
    {.method = NULL}};

static void
joining_confirms_only_the_same_digits(void **state)
{
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, joining, FAKE_POLITE);
    r = ASK(&f, "join", "entente1-x", "--confirm", "123 456");
    assert_int_equal(r.exit, 0);
    assert_string_equal(r.main, "Cercle: waits for the members' vote\n");
    run_release(&r);
    fake_stop(&f);

    fake_start(&f, joining, FAKE_POLITE);
    r = ASK(&f, "join", "entente1-x", "--confirm", "123457");
    assert_int_equal(r.exit, 1);
    assert_holds(r.talk, "the two codes differ");
    assert_string_not_equal(f.method, "join.confirm");
    run_release(&r);
    fake_stop(&f);
}

static void
joining_without_a_person_only_shows_the_digits(void **state)
{
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, joining, FAKE_POLITE);
    r = ASK(&f, "join", "entente1-x");
    assert_int_equal(r.exit, 0);
    assert_holds(r.talk, "    123 456\n");
    assert_holds(r.talk, "entente join confirm CODE");
    assert_string_equal(f.method, "join.status");
    run_release(&r);
    r = ASK(&f, "join", "confirm", "123456");
    assert_int_equal(r.exit, 1);
    assert_holds(r.talk, "join.not-compared");
    assert_string_equal(f.method, "join.status"); /* was not called */
    run_release(&r);
    r = ASK(&f, "join", "confirm", "123456", "--yes-compared");
    assert_int_equal(r.exit, 0);
    assert_string_equal(f.method, "join.confirm");
    run_release(&r);
    fake_stop(&f);
}

static void
inviting_prints_the_line_alone(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "invite",
         .result = "{\"invitation\":\"entente1-abc\",\"expires_at\":0,"
                   "\"safety_number\":\"12 34\"}"},
        {.method = "invite.list",
         .result = "{\"invitations\":[{\"id\":\"0123456789\",\"role\":"
                   "\"member\",\"state\":\"open\"}]}"},
        {.method = "invite.joins",
         .result = "{\"joins\":[{\"node\":\"ab\",\"code\":\"123456\","
                   "\"state\":\"compare\"}]}"},
        {.method = "invite.joins", .result = "{}"},
        {.method = "invite.confirm", .result = "{\"state\":\"done\"}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "invite", "--valid", "3");
    assert_string_equal(r.main, "entente1-abc\n");
    assert_int_equal(value_get_int(f.params, "valid_ms", 0), 259200000);
    assert_string_equal(value_get_string(f.params, "role"), "member");
    assert_holds(r.talk, "Safety number: 12 34");
    run_release(&r);
    r = ASK(&f, "invite", "--qr", "--quiet");
    assert_ptr_equal(strstr(r.main, "entente1-abc\n███"), r.main);
    assert_string_equal(r.talk, "");
    run_release(&r);
    r = ASK(&f, "invite", "--list");
    assert_holds(r.main, "01234567");
    assert_holds(r.main, "123456  waits for you to compare");
    run_release(&r);
    r = ASK(&f, "invite", "list", "--json");
    assert_int_equal(r.exit, 0);
    assert_holds(r.main, "\"joins\": []");
    run_release(&r);
    r = ASK(&f, "invite", "confirm", "123456");
    assert_int_equal(r.exit, 1);
    run_release(&r);
    r = ASK(&f, "invite", "confirm", "123456", "--yes-compared");
    assert_int_equal(r.exit, 0);
    assert_true(value_get_bool(f.params, "compared", false));
    run_release(&r);
    fake_stop(&f);
}

static void
a_situation_shows_answers_side_by_side(void **state)
{
    static const struct fake_answer answers[] = {
        {.method = "situation.show",
         .result =
             "{\"code\":\"S01\",\"title\":\"T\",\"state\":\"revealed\","
             "\"text\":\"one\\ntwo\",\"own\":{\"name\":\"N\",\"note\":\"mine\"}"
             ",\"care\":{\"readers\":[\"A\",{\"name\":\"B\"}],\"notes\":[{"
             "\"by\":\"A\",\"text\":\"careful\"}]},\"perspectives\":[{"
             "\"structure\":\"A\",\"state\":\"revealed\",\"answers\":{\"q1\":"
             "\"yes\",\"mode\":\"joint\",\"q1_text\":\"late\"}},{\"structure\":"
             "\"B\",\"state\":\"revealed\",\"answers\":{\"q1\":\"no\",\"mode\":"
             "\"joint\"}},{\"structure\":\"C\",\"state\":\"absent\"}],"
             "\"conclusion\":{\"cooperation\":true,\"carer\":\"none\"},"
             "\"conflicts\":[{\"field\":\"title\",\"values\":[{\"value\":\"x\","
             "\"by\":\"A\"},{\"value\":\"y\",\"by\":\"B\"}]}],"
             "\"readers\":[{\"name\":\"A\"},{\"name\":\"B\"}]}"},
        {.method = NULL}};
    struct fake f;
    struct run r;

    (void)state;
    fake_start(&f, answers, FAKE_POLITE);
    r = ASK(&f, "case", "show", "S01");
    assert_int_equal(r.exit, 0);
    assert_holds(r.main, "S01  T\n");
    assert_holds(r.main, "  read by    A, B\n");
    assert_holds(r.main, "  one\n  two\n");
    assert_holds(r.main, "Your own part  only here\n  N\n  mine\n");
    assert_holds(r.main, "Care part, read by  A, B\n  A:\n    careful\n");
    assert_holds(r.main, "  q1 *      yes       no        \n");
    assert_holds(r.main, "  mode      joint     joint     \n");
    assert_holds(r.main, "  A, q1_text:\n    late\n");
    assert_holds(r.main, "cooperation           yes\n");
    assert_holds(r.main, "  title\n    x  (A)\n    y  (B)\n");
    run_release(&r);
    fake_stop(&f);
}

/* Whatever a daemon leaves out or gets wrong, nothing falls over. */
static void
every_answer_may_be_empty_or_odd(void **state)
{
    static const char *const odd[] = {
        "{}",
        "{\"peers\":7,\"members\":{},\"entries\":\"x\",\"situations\":null,"
        "\"meetings\":[1,null,\"x\"],\"joins\":[[]],\"invitations\":[0],"
        "\"kinds\":[{}],\"motions\":[{}],\"perspectives\":[1,{}],\"notes\":[1],"
        "\"text\":5,\"node\":[],\"holders\":[null],\"problems\":[{}],"
        "\"conflicts\":[{}],\"own\":1,\"care\":{\"notes\":[1]},\"readers\":[2],"
        "\"conclusion\":{\"a\":[]},\"cases\":[1,{\"readers\":3}]}",
    };
    static const char *const commands[][2] = {
        {"status", "status"},
        {"peers", "peers"},
        {"sync", "sync"},
        {"log", "log"},
        {"verify", "verify"},
        {"rebuild", "rebuild"},
        {"circle.show", "circle show"},
        {"circle.members", "circle members"},
        {"circle.motions", "circle motions"},
        {"invite", "invite"},
        {"join.status", "join status"},
        {"situation.list", "situation list"},
        {"situation.show", "situation show"},
        {"meeting.list", "meeting list"},
        {"report", "report"},
        {"kinds", "kinds"},
        {"care.list", "situation care"},
    };
    size_t i;
    size_t k;

    (void)state;
    for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        for (k = 0; k < 2; k++) {
            const struct fake_answer answers[] = {
                {.method = commands[i][0], .result = odd[k]}, {.method = NULL}};
            char words[40];
            char *space;
            struct fake f;
            struct run r;

            snprintf(words, sizeof(words), "%s", commands[i][1]);
            space = strchr(words, ' ');
            if (space != NULL) {
                *space = '\0';
            }
            fake_start(&f, answers, FAKE_POLITE);
            r = strcmp(commands[i][0], "situation.show") == 0
                    ? ASK(&f, words, space + 1, "S1")
                : space != NULL ? ASK(&f, words, space + 1)
                                : ASK(&f, words);
            assert_true(r.exit == 0 || r.exit == 6);
            run_release(&r);
            fake_stop(&f);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_begins_with_a_calm_sentence),
        cmocka_unit_test(status_of_one_situation),
        cmocka_unit_test(every_exit_code_comes_through),
        cmocka_unit_test(a_refusal_names_rule_and_way_on),
        cmocka_unit_test(no_daemon_is_exit_three),
        cmocka_unit_test(bad_daemons_are_told),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(progress_comes_before_the_answer),
        cmocka_unit_test(trouble_in_the_store_is_exit_six),
        cmocka_unit_test(a_text_is_sent_and_given_back_if_refused),
        cmocka_unit_test(reports_are_printed_as_they_come),
        cmocka_unit_test(joining_confirms_only_the_same_digits),
        cmocka_unit_test(joining_without_a_person_only_shows_the_digits),
        cmocka_unit_test(inviting_prints_the_line_alone),
        cmocka_unit_test(a_situation_shows_answers_side_by_side),
        cmocka_unit_test(every_answer_may_be_empty_or_odd),
    };

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
