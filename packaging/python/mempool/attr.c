/* SPDX-License-Identifier: MIT */
/* What a pool is to be made of: the arguments of Python and struct mempool_attr. */
#include <string.h>

#include "module.h"

/* The options, by the names of struct mempool_attr; the first stand for positional arguments. */
static const struct number options[] = {
	NUMBER(struct mempool_attr, block_size), NUMBER(struct mempool_attr, blocks),
	NUMBER(struct mempool_attr, max_blocks), NUMBER(struct mempool_attr, alignment),
	NUMBER(struct mempool_attr, uid),        NUMBER(struct mempool_attr, gid),
	NUMBER(struct mempool_attr, mode),       NUMBER(struct mempool_attr, processes),
	NUMBER(struct mempool_attr, threads),    NUMBER(struct mempool_attr, thread_cache),
	NUMBER(struct mempool_attr, shards),     NUMBER(struct mempool_attr, gift_grace_ms),
	NUMBER(struct mempool_attr, schema),     NUMBER(struct mempool_attr, schema_version),
	NUMBER(struct mempool_attr, quota),      NUMBER(struct mempool_attr, lifetime),
	NUMBER(struct mempool_attr, channels),   NUMBER(struct mempool_attr, channel_depth),
	NUMBER(struct mempool_attr, backing),    NUMBER(struct mempool_attr, huge_pages),
	NUMBER(struct mempool_attr, prefault),
};
#define N_OPTIONS (sizeof options / sizeof options[0])
#define N_POSITIONAL 3 /* name, block_size, blocks */

static const struct number *find_option(const char *name)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strcmp(options[i].name, name) == 0) {
			return &options[i];
		}
	}
	return NULL;
}

static bool set_option(struct mempool_attr *attr, const struct number *option, PyObject *value)
{
	bool is_short = option->size == sizeof(uint32_t);
	uint64_t number;

	if (!read_number(option->name, value, is_short ? UINT32_MAX : UINT64_MAX, &number)) {
		return false;
	}
	if (is_short) {
		*(uint32_t *)((char *)attr + option->offset) = (uint32_t)number;
	} else {
		*(uint64_t *)((char *)attr + option->offset) = number;
	}
	return true;
}

/* The text of a str, which has it as long as it lives. NULL: an exception is set. */
static const char *read_text(const char *key, PyObject *value)
{
	Py_ssize_t length;

	if (!PyUnicode_Check(value)) {
		PyErr_Format(PyExc_TypeError, "%s must be a str, not %R", key, value);
		return NULL;
	}
	const char *text = PyUnicode_AsUTF8AndSize(value, &length);
	if (text && strlen(text) != (size_t)length) {
		PyErr_Format(PyExc_ValueError, "%s has a null character in it: %R", key, value);
		return NULL;
	}
	return text;
}

/* Sets what @key says. None is the default of socket, uid and gid. */
static bool set_keyword(struct creation *creation, const char *key, PyObject *value)
{
	if (strcmp(key, "socket") == 0) {
		creation->socket = value == Py_None ? NULL : read_text(key, value);
		return value == Py_None || creation->socket;
	}
	if (strcmp(key, "name") == 0 && !creation->name) {
		creation->name = read_text(key, value);
		return creation->name;
	}
	const struct number *option = find_option(key);
	if (!option) {
		PyErr_Format(PyExc_TypeError, "%s is no option of a pool, or is given twice", key);
		return false;
	}
	if (value == Py_None && (strcmp(key, "uid") == 0 || strcmp(key, "gid") == 0)) {
		return true;
	}
	return set_option(&creation->attr, option, value);
}

static bool set_positional(struct creation *creation, PyObject *args, Py_ssize_t n)
{
	if (n > N_POSITIONAL) {
		PyErr_Format(PyExc_TypeError,
			     "name, block_size and blocks go without a name, the rest with: "
			     "%zd arguments have none",
			     n);
		return false;
	}
	for (Py_ssize_t i = 0; i < n; i++) {
		const char *key = i == 0 ? "name" : options[i - 1].name;
		if (!set_keyword(creation, key, PyTuple_GetItem(args, i))) {
			return false;
		}
	}
	return true;
}

bool creation_parse(struct creation *creation, PyObject *args, PyObject *kwargs)
{
	PyObject *key, *value;
	Py_ssize_t n = PyTuple_Size(args), at = 0;

	*creation = (struct creation){.attr = MEMPOOL_ATTR_INIT};
	if (!set_positional(creation, args, n)) {
		return false;
	}
	while (kwargs && PyDict_Next(kwargs, &at, &key, &value)) {
		const char *name = PyUnicode_AsUTF8AndSize(key, NULL);
		if (!name) {
			return false;
		}
		if ((n > 1 && strcmp(name, options[0].name) == 0) ||
		    (n > 2 && strcmp(name, options[1].name) == 0)) {
			PyErr_Format(PyExc_TypeError, "%s is given twice", name);
			return false;
		}
		if (!set_keyword(creation, name, value)) {
			return false;
		}
	}
	if (!creation->name) {
		PyErr_SetString(PyExc_TypeError, "a pool needs a name, block_size and blocks");
		return false;
	}
	return true;
}

int attr_add_constants(PyObject *module)
{
	static const struct {
		const char *name;
		long value;
	} constants[] = {
		{"PERSISTENT", MEMPOOL_PERSISTENT},
		{"UNTIL_LAST_USER", MEMPOOL_UNTIL_LAST_USER},
		{"UNTIL_CREATOR", MEMPOOL_UNTIL_CREATOR},
		{"BACKING_AUTO", MEMPOOL_BACKING_AUTO},
		{"BACKING_SHM", MEMPOOL_BACKING_SHM},
		{"BACKING_MEMFD", MEMPOOL_BACKING_MEMFD},
		{"NO", MEMPOOL_NO},
		{"TRY", MEMPOOL_TRY},
		{"REQUIRE", MEMPOOL_REQUIRE},
		{"NO_CACHE", (long)MEMPOOL_NO_CACHE},
	};

	for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
		if (PyModule_AddIntConstant(module, constants[i].name, constants[i].value) < 0) {
			return -1;
		}
	}
	return 0;
}
