/* SPDX-License-Identifier: MIT */
/* What is told of a pool: numbers, findings, attributes. */
#include <errno.h>

#include "module.h"

static struct pool *pool_of(PyObject *self)
{
	return (struct pool *)self;
}

PyObject *pool_stat(PyObject *self, PyObject *unused)
{
	static const struct number numbers[] = {
		NUMBER(struct mempool_stats, blocks),    NUMBER(struct mempool_stats, max_blocks),
		NUMBER(struct mempool_stats, used),      NUMBER(struct mempool_stats, cached),
		NUMBER(struct mempool_stats, free),      NUMBER(struct mempool_stats, moving),
		NUMBER(struct mempool_stats, shared),    NUMBER(struct mempool_stats, reclaimed),
		NUMBER(struct mempool_stats, min_free),  NUMBER(struct mempool_stats, gets),
		NUMBER(struct mempool_stats, puts),      NUMBER(struct mempool_stats, failures),
		NUMBER(struct mempool_stats, waits),     NUMBER(struct mempool_stats, recoveries),
		NUMBER(struct mempool_stats, recovered), NUMBER(struct mempool_stats, repairs),
	};
	struct pool *pool = pool_of(self);
	struct mempool_stats stats;
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	int error = -mempool_stat(pool->handle, &stats);
	return error ? raise_failed(state_of(self)->error, error)
		     : numbers_as_dict(numbers, sizeof numbers / sizeof numbers[0], &stats);
}

PyObject *pool_check(PyObject *self, PyObject *unused)
{
	static const struct number numbers[] = {
		NUMBER(struct mempool_report, blocks),
		NUMBER(struct mempool_report, lost),
		NUMBER(struct mempool_report, duplicated),
		NUMBER(struct mempool_report, broken),
	};
	struct pool *pool = pool_of(self);
	struct mempool_report report = {0};
	int error;
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	pool->n_inside++;
	Py_BEGIN_ALLOW_THREADS error = -mempool_check(pool->handle, &report);
	Py_END_ALLOW_THREADS pool->n_inside--;
	if (error && error != EUCLEAN) {
		return raise_failed(state_of(self)->error, error);
	}
	PyObject *dict = numbers_as_dict(numbers, sizeof numbers / sizeof numbers[0], &report);
	PyObject *first = PyUnicode_FromString(report.first);
	if (!dict || !first || PyDict_SetItemString(dict, "first", first) < 0) {
		Py_CLEAR(dict);
	}
	Py_XDECREF(first);
	return dict;
}

static PyObject *pool_get_name(PyObject *self, void *unused)
{
	(void)unused;
	Py_INCREF(pool_of(self)->name);
	return pool_of(self)->name;
}

static PyObject *pool_get_block_size(PyObject *self, void *unused)
{
	struct pool *pool = pool_of(self);
	(void)unused;
	return pool_is_open(pool) ? PyLong_FromSize_t(mempool_block_size(pool->handle)) : NULL;
}

static PyObject *pool_get_blocks(PyObject *self, void *unused)
{
	struct pool *pool = pool_of(self);
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	uint32_t blocks = mempool_blocks(pool->handle);
	return blocks == 0 ? raise_failed(state_of(self)->error, errno)
			   : PyLong_FromUnsignedLong(blocks);
}

static PyObject *pool_get_state(PyObject *self, void *unused)
{
	static const char *const names[] = {
		[MEMPOOL_LIVE] = "live",
		[MEMPOOL_DESTROYED] = "destroyed",
		[MEMPOOL_REPLACED] = "replaced",
		[MEMPOOL_BROKEN] = "broken",
	};
	struct pool *pool = pool_of(self);
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	int state = mempool_state(pool->handle);
	return state < 0 ? raise_failed(state_of(self)->error, -state)
			 : PyUnicode_FromString(names[state]);
}

static PyObject *pool_get_closed(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!pool_of(self)->handle);
}

PyGetSetDef pool_attributes[] = {
	{"name", pool_get_name, NULL, "The pool's name.", NULL},
	{"block_size", pool_get_block_size, NULL, "Bytes of a block.", NULL},
	{"blocks", pool_get_blocks, NULL, "Blocks the pool has, now.", NULL},
	{"state", pool_get_state, NULL,
	 "What has become of it: 'live', 'destroyed', 'replaced' or 'broken'.", NULL},
	{"closed", pool_get_closed, NULL, "Whether this object has been closed.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};
