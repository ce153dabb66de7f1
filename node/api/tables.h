/*
 * The tables of methods, each exported by the file that implements them and
 * ended by a NULL name. api.c looks in all of them, nobody else does.
 */
#ifndef NODE_API_TABLES_H
#define NODE_API_TABLES_H

#include "api/api.h"

extern const struct api_method api_node_methods[];
extern const struct api_method api_circle_methods[];
extern const struct api_method api_situation_methods[];
extern const struct api_method api_answer_methods[];
extern const struct api_method api_show_methods[];
extern const struct api_method api_meeting_methods[];
extern const struct api_method api_report_methods[];
extern const struct api_method api_record_methods[];
extern const struct api_method api_bundle_methods[];
extern const struct api_method api_loop_methods[];

#endif
