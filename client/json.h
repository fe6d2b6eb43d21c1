/* SPDX-License-Identifier: MIT */
/*
 * JSON, by json-c. When memory runs out, each function complains and exits, so that no caller has
 * to check.
 */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <json.h>
#include <stdbool.h>
#include <stdint.h>

struct json_object *json_new_object(void);
struct json_object *json_new_array(void);

void json_add_number(struct json_object *object, const char *key, uint64_t n);
void json_add_text(struct json_object *object, const char *key, const char *text);
void json_add_flag(struct json_object *object, const char *key, bool flag);
void json_add_null(struct json_object *object, const char *key);
void json_add_array(struct json_object *object, const char *key, struct json_object *array);
void json_append(struct json_object *array, struct json_object *item);

/* Prints the value on several lines, and frees it. */
void json_print(struct json_object *value);

/* Prints the value on one line, without newline, and frees it. */
void json_print_short(struct json_object *value);

#endif
