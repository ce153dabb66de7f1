/*
 * The numbers of record kinds and of their fields, as they stand in entries.
 * The catalogue (node/kinds/catalogue) says the same with types and labels; a
 * test compares the two. A number is never used again for something else.
 */
#ifndef NODE_KINDS_NUMBERS_H
#define NODE_KINDS_NUMBERS_H

/* X(symbol, number, name in the catalogue) */
#define KINDS_LIST(X)                                                          \
    X(KIND_SITUATION, 1, "situation")                                          \
    X(KIND_PERSPECTIVE, 2, "perspective")                                      \
    X(KIND_RELEASE, 3, "release")                                              \
    X(KIND_REVEAL, 4, "reveal")                                                \
    X(KIND_CONCLUSION, 5, "conclusion")                                        \
    X(KIND_BASIS, 6, "basis")                                                  \
    X(KIND_MEETING, 16, "meeting")                                             \
    X(KIND_CARE_CASE, 32, "care-case")                                         \
    X(KIND_CARE_NOTE, 33, "care-note")                                         \
    X(KIND_OWN_SITUATION, 48, "own-situation")                                 \
    X(KIND_OWN_NOTE, 49, "own-note")                                           \
    X(KIND_OWN_ANSWER, 50, "own-answer")                                       \
    X(KIND_SITUATION_LINK, 51, "situation-link")

/* X(symbol, number, kind, name in the catalogue) */
#define KINDS_FIELDS_REVIEW_LIST(X)                                            \
    X(FIELD_SITUATION_CODE, 1, KIND_SITUATION, "code")                         \
    X(FIELD_SITUATION_TITLE, 2, KIND_SITUATION, "title")                       \
    X(FIELD_SITUATION_TEXT, 3, KIND_SITUATION, "text")                         \
    X(FIELD_SITUATION_PRESENTER, 4, KIND_SITUATION, "presenter")               \
    X(FIELD_SITUATION_PERIOD, 5, KIND_SITUATION, "period")                     \
    X(FIELD_SITUATION_AGE_BAND, 6, KIND_SITUATION, "age_band")                 \
    X(FIELD_SITUATION_TAGS, 7, KIND_SITUATION, "tags")                         \
    X(FIELD_SITUATION_SESSION, 8, KIND_SITUATION, "session")                   \
    X(FIELD_SITUATION_RECOGNISABLE, 9, KIND_SITUATION, "recognisable")         \
    X(FIELD_SITUATION_BASIS, 10, KIND_SITUATION, "basis")                      \
    X(FIELD_SITUATION_PERSON_TOLD, 11, KIND_SITUATION, "person_told")          \
    X(FIELD_SITUATION_WITHDRAWN, 12, KIND_SITUATION, "withdrawn")              \
    X(FIELD_SITUATION_EXPECTED, 13, KIND_SITUATION, "expected")                \
    X(FIELD_PERSPECTIVE_SITUATION, 1, KIND_PERSPECTIVE, "situation")           \
    X(FIELD_PERSPECTIVE_COMMITMENT, 2, KIND_PERSPECTIVE, "commitment")         \
    X(FIELD_PERSPECTIVE_KEY_COMMITMENT, 3, KIND_PERSPECTIVE, "key_commitment") \
    X(FIELD_PERSPECTIVE_BOX, 4, KIND_PERSPECTIVE, "box")                       \
    X(FIELD_RELEASE_PERSPECTIVE, 1, KIND_RELEASE, "perspective")               \
    X(FIELD_RELEASE_KEY, 2, KIND_RELEASE, "key")                               \
    X(FIELD_REVEAL_SITUATION, 1, KIND_REVEAL, "situation")                     \
    X(FIELD_REVEAL_MEETING, 2, KIND_REVEAL, "meeting")                         \
    X(FIELD_CONCLUSION_SITUATION, 1, KIND_CONCLUSION, "situation")             \
    X(FIELD_CONCLUSION_COOPERATION, 2, KIND_CONCLUSION, "cooperation")         \
    X(FIELD_CONCLUSION_PATIENT_PHYSICAL, 3, KIND_CONCLUSION,                   \
      "patient_physical")                                                      \
    X(FIELD_CONCLUSION_PATIENT_PSYCHOLOGICAL, 4, KIND_CONCLUSION,              \
      "patient_psychological")                                                 \
    X(FIELD_CONCLUSION_CARER, 5, KIND_CONCLUSION, "carer")                     \
    X(FIELD_CONCLUSION_AVOIDABLE, 6, KIND_CONCLUSION, "avoidable")             \
    X(FIELD_CONCLUSION_CODE, 7, KIND_CONCLUSION, "code")                       \
    X(FIELD_CONCLUSION_CODES, 8, KIND_CONCLUSION, "codes")                     \
    X(FIELD_CONCLUSION_TEXT, 9, KIND_CONCLUSION, "text")                       \
    X(FIELD_CONCLUSION_DISSENT, 10, KIND_CONCLUSION, "dissent")                \
    X(FIELD_CONCLUSION_MEETING, 11, KIND_CONCLUSION, "meeting")                \
    X(FIELD_BASIS_BASIS, 1, KIND_BASIS, "basis")                               \
    X(FIELD_BASIS_STRUCTURE, 2, KIND_BASIS, "structure")                       \
    X(FIELD_BASIS_PURPOSE, 3, KIND_BASIS, "purpose")                           \
    X(FIELD_BASIS_CATEGORIES, 4, KIND_BASIS, "categories")                     \
    X(FIELD_BASIS_NOTE, 5, KIND_BASIS, "note")                                 \
    X(FIELD_BASIS_INFORMED_BY, 6, KIND_BASIS, "informed_by")                   \
    X(FIELD_BASIS_INFORMED_AT, 7, KIND_BASIS, "informed_at")                   \
    X(FIELD_BASIS_UNTIL, 8, KIND_BASIS, "until")                               \
    X(FIELD_BASIS_RECOGNISABLE, 9, KIND_BASIS, "recognisable")

#define KINDS_FIELDS_SHARED_LIST(X)                                            \
    X(FIELD_MEETING_N, 1, KIND_MEETING, "n")                                   \
    X(FIELD_MEETING_DATE, 2, KIND_MEETING, "date")                             \
    X(FIELD_MEETING_VENUE, 3, KIND_MEETING, "venue")                           \
    X(FIELD_MEETING_KIND, 4, KIND_MEETING, "kind")                             \
    X(FIELD_MEETING_STATE, 5, KIND_MEETING, "state")                           \
    X(FIELD_MEETING_SITUATIONS, 6, KIND_MEETING, "situations")                 \
    X(FIELD_CARE_CASE_CODE, 1, KIND_CARE_CASE, "code")                         \
    X(FIELD_CARE_CASE_TITLE, 2, KIND_CARE_CASE, "title")                       \
    X(FIELD_CARE_CASE_TEXT, 3, KIND_CARE_CASE, "text")                         \
    X(FIELD_CARE_NOTE_TEXT, 1, KIND_CARE_NOTE, "text")                         \
    X(FIELD_CARE_NOTE_PERSON, 2, KIND_CARE_NOTE, "person")

#define KINDS_FIELDS_OWN_LIST(X)                                               \
    X(FIELD_OWN_SITUATION_CODE, 1, KIND_OWN_SITUATION, "code")                 \
    X(FIELD_OWN_SITUATION_TITLE, 2, KIND_OWN_SITUATION, "title")               \
    X(FIELD_OWN_SITUATION_NAME, 3, KIND_OWN_SITUATION, "name")                 \
    X(FIELD_OWN_SITUATION_NOTE, 4, KIND_OWN_SITUATION, "note")                 \
    X(FIELD_OWN_SITUATION_TEXT, 5, KIND_OWN_SITUATION, "text")                 \
    X(FIELD_OWN_SITUATION_PERIOD, 6, KIND_OWN_SITUATION, "period")             \
    X(FIELD_OWN_SITUATION_AGE_BAND, 7, KIND_OWN_SITUATION, "age_band")         \
    X(FIELD_OWN_SITUATION_TAGS, 8, KIND_OWN_SITUATION, "tags")                 \
    X(FIELD_OWN_SITUATION_STATE, 9, KIND_OWN_SITUATION, "state")               \
    X(FIELD_OWN_SITUATION_SESSION, 10, KIND_OWN_SITUATION, "session")          \
    X(FIELD_OWN_SITUATION_RECOGNISABLE, 11, KIND_OWN_SITUATION,                \
      "recognisable")                                                          \
    X(FIELD_OWN_SITUATION_BASIS, 12, KIND_OWN_SITUATION, "basis")              \
    X(FIELD_OWN_SITUATION_PERSON_TOLD, 13, KIND_OWN_SITUATION, "person_told")  \
    X(FIELD_OWN_SITUATION_REVIEW_SPACE, 14, KIND_OWN_SITUATION,                \
      "review_space")                                                          \
    X(FIELD_OWN_SITUATION_CARE_SPACE, 15, KIND_OWN_SITUATION, "care_space")    \
    X(FIELD_OWN_SITUATION_RECORD, 16, KIND_OWN_SITUATION, "record")            \
    X(FIELD_OWN_SITUATION_STRUCTURES, 17, KIND_OWN_SITUATION, "structures")    \
    X(FIELD_OWN_NOTE_SITUATION, 1, KIND_OWN_NOTE, "situation")                 \
    X(FIELD_OWN_NOTE_TEXT, 2, KIND_OWN_NOTE, "text")                           \
    X(FIELD_LINK_REVIEW_SPACE, 1, KIND_SITUATION_LINK, "review_space")         \
    X(FIELD_LINK_CARE_SPACE, 2, KIND_SITUATION_LINK, "care_space")             \
    X(FIELD_LINK_CODE, 3, KIND_SITUATION_LINK, "code")                         \
    X(FIELD_LINK_RECORD, 4, KIND_SITUATION_LINK, "record")

/* Fields from FIELD_ANSWER_Q1 on are the answers themselves: an opened
 * perspective names its answers by these numbers too. */
#define KINDS_FIELDS_ANSWER_LIST(X)                                            \
    X(FIELD_ANSWER_SITUATION, 1, KIND_OWN_ANSWER, "situation")                 \
    X(FIELD_ANSWER_KEY, 2, KIND_OWN_ANSWER, "key")                             \
    X(FIELD_ANSWER_ANSWERS, 3, KIND_OWN_ANSWER, "answers")                     \
    X(FIELD_ANSWER_STATE, 4, KIND_OWN_ANSWER, "state")                         \
    X(FIELD_ANSWER_PERSPECTIVE, 5, KIND_OWN_ANSWER, "perspective")             \
    X(FIELD_ANSWER_Q1, 16, KIND_OWN_ANSWER, "q1")                              \
    X(FIELD_ANSWER_Q1_CODE, 17, KIND_OWN_ANSWER, "q1_code")                    \
    X(FIELD_ANSWER_Q1_CODES, 18, KIND_OWN_ANSWER, "q1_codes")                  \
    X(FIELD_ANSWER_Q1_TEXT, 19, KIND_OWN_ANSWER, "q1_text")                    \
    X(FIELD_ANSWER_Q2_HARM, 20, KIND_OWN_ANSWER, "q2_harm")                    \
    X(FIELD_ANSWER_Q2_PHYSICAL, 21, KIND_OWN_ANSWER, "q2_physical")            \
    X(FIELD_ANSWER_Q2_PSYCHOLOGICAL, 22, KIND_OWN_ANSWER, "q2_psychological")  \
    X(FIELD_ANSWER_Q2_TEXT, 23, KIND_OWN_ANSWER, "q2_text")                    \
    X(FIELD_ANSWER_Q3_HARM, 24, KIND_OWN_ANSWER, "q3_harm")                    \
    X(FIELD_ANSWER_Q3_LEVEL, 25, KIND_OWN_ANSWER, "q3_level")                  \
    X(FIELD_ANSWER_Q3_KINDS, 26, KIND_OWN_ANSWER, "q3_kinds")                  \
    X(FIELD_ANSWER_Q3_TEXT, 27, KIND_OWN_ANSWER, "q3_text")                    \
    X(FIELD_ANSWER_Q4_AVOIDABLE, 28, KIND_OWN_ANSWER, "q4_avoidable")          \
    X(FIELD_ANSWER_Q4_TEXT, 29, KIND_OWN_ANSWER, "q4_text")                    \
    X(FIELD_ANSWER_Q5_TEXT, 30, KIND_OWN_ANSWER, "q5_text")                    \
    X(FIELD_ANSWER_MODE, 31, KIND_OWN_ANSWER, "mode")                          \
    X(FIELD_ANSWER_CONFIDENCE, 32, KIND_OWN_ANSWER, "confidence")

#define KINDS_FIELDS_LIST(X)                                                   \
    KINDS_FIELDS_REVIEW_LIST(X)                                                \
    KINDS_FIELDS_SHARED_LIST(X)                                                \
    KINDS_FIELDS_OWN_LIST(X)                                                   \
    KINDS_FIELDS_ANSWER_LIST(X)

enum kind_number {
#define X(symbol, number, name) symbol = (number),
    KINDS_LIST(X)
#undef X
};

enum field_number {
#define X(symbol, number, kind, name) symbol = (number),
    KINDS_FIELDS_LIST(X)
#undef X
};

#endif
