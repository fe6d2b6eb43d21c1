/* SPDX-License-Identifier: MIT */
#include "client/complain.h"
#include "client/json.h"
#include "client/out.h"

static struct json_object *json_check(struct json_object *value)
{
	if (value == NULL) {
		complain_no_memory();
	}
	return value;
}

static void json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add(object, key, value) != 0) {
		complain_no_memory();
	}
}

struct json_object *json_new_object(void)
{
	return json_check(json_object_new_object());
}

struct json_object *json_new_array(void)
{
	return json_check(json_object_new_array());
}

void json_add_number(struct json_object *object, const char *key, uint64_t n)
{
	json_add(object, key, json_check(json_object_new_uint64(n)));
}

void json_add_text(struct json_object *object, const char *key, const char *text)
{
	json_add(object, key, json_check(json_object_new_string(text)));
}

void json_add_flag(struct json_object *object, const char *key, bool flag)
{
	json_add(object, key, json_check(json_object_new_boolean(flag)));
}

void json_add_null(struct json_object *object, const char *key)
{
	json_add(object, key, NULL);
}

void json_add_array(struct json_object *object, const char *key, struct json_object *array)
{
	json_add(object, key, array);
}

void json_append(struct json_object *array, struct json_object *item)
{
	if (json_object_array_add(array, item) != 0) {
		complain_no_memory();
	}
}

static void json_print_as(struct json_object *value, int flags)
{
	const char *text = json_object_to_json_string_ext(value, flags);

	if (text == NULL) {
		complain_no_memory();
	}
	out_print("%s", text);
	json_object_put(value);
}

void json_print(struct json_object *value)
{
	json_print_as(value, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
				     JSON_C_TO_STRING_NOSLASHESCAPE);
	out_print("\n");
}

void json_print_short(struct json_object *value)
{
	json_print_as(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
