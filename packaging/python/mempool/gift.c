/* SPDX-License-Identifier: MIT */
/* Giving blocks and taking them: a token is a Python number. */
#include <errno.h>

#include "module.h"

static struct pool *pool_of(PyObject *self)
{
	return (struct pool *)self;
}

/* Reads a token, or raises. */
static bool read_token(PyObject *number, struct mempool_token *token)
{
	return read_number("token", number, UINT64_MAX, &token->v);
}

static PyObject *get_gift(PyObject *self, PyObject *number,
			  void *(*call)(struct mempool *, struct mempool_token))
{
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	struct mempool_token token;

	if (!read_token(number, &token) || !pool_is_open(pool)) {
		return NULL;
	}
	void *block = call(pool->handle, token);
	return block ? block_new(state, pool, NULL, block) : raise_failed(state->error, errno);
}

PyObject *pool_take(PyObject *self, PyObject *token)
{
	return get_gift(self, token, mempool_take);
}

PyObject *pool_withdraw(PyObject *self, PyObject *token)
{
	return get_gift(self, token, mempool_withdraw);
}

static PyObject *list_tokens(const struct mempool_token *tokens, Py_ssize_t n)
{
	PyObject *list = PyList_New(n);

	for (Py_ssize_t i = 0; list && i < n; i++) {
		PyObject *number = PyLong_FromUnsignedLongLong(tokens[i].v);
		if (!number) {
			Py_CLEAR(list);
		} else {
			PyList_SetItem(list, i, number);
		}
	}
	return list;
}

PyObject *pool_give_bulk(PyObject *self, PyObject *blocks)
{
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	struct bunch bunch;
	PyObject *list = NULL;

	if (!bunch_begin(&bunch, state, blocks)) {
		return NULL;
	}
	if (!pool_is_open(pool)) {
		bunch_end(&bunch, 0, NULL);
		return NULL;
	}
	struct mempool_token *tokens = array_of(bunch.n);
	int error = ENOMEM;
	if (tokens) {
		error = -mempool_give_bulk(pool->handle, bunch.addresses, tokens, (size_t)bunch.n);
		if (error) {
			raise_failed(state->error, error);
		} else {
			list = list_tokens(tokens, bunch.n);
		}
	}
	bunch_end(&bunch, error ? 0 : bunch.n, "was given");
	PyMem_Free(tokens);
	return list;
}

/* Reads tokens of a sequence into an array, which the caller frees. */
static struct mempool_token *read_tokens(PyObject *sequence, Py_ssize_t *n)
{
	PyObject *tuple = PySequence_Tuple(sequence);
	struct mempool_token *tokens = NULL;

	if (tuple) {
		*n = PyTuple_Size(tuple);
		tokens = array_of(*n);
		for (Py_ssize_t i = 0; tokens && i < *n; i++) {
			if (!read_token(PyTuple_GetItem(tuple, i), &tokens[i])) {
				PyMem_Free(tokens);
				tokens = NULL;
			}
		}
		Py_DECREF(tuple);
	}
	return tokens;
}

static PyObject *get_gifts(PyObject *self, PyObject *sequence,
			   ssize_t (*call)(struct mempool *, const struct mempool_token *, void **,
					   size_t))
{
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	PyObject *list = NULL;
	Py_ssize_t n = 0;

	struct mempool_token *tokens = read_tokens(sequence, &n);
	void **blocks = tokens && pool_is_open(pool) ? array_of(n) : NULL;
	if (blocks) {
		ssize_t got = call(pool->handle, tokens, blocks, (size_t)n);
		list = got < 0 ? raise_failed(state->error, (int)-got)
			       : block_list(state, pool, NULL, blocks, n);
	}
	PyMem_Free(blocks);
	PyMem_Free(tokens);
	return list;
}

PyObject *pool_take_bulk(PyObject *self, PyObject *tokens)
{
	return get_gifts(self, tokens, mempool_take_bulk);
}

PyObject *pool_withdraw_bulk(PyObject *self, PyObject *tokens)
{
	return get_gifts(self, tokens, mempool_withdraw_bulk);
}

PyObject *pool_gifts(PyObject *self, PyObject *unused)
{
	struct pool *pool = pool_of(self);
	struct mempool_token *tokens = NULL;
	ssize_t room = 0, n;
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	while ((n = mempool_gifts(pool->handle, tokens, (size_t)room)) > room) {
		PyMem_Free(tokens);
		tokens = array_of(n);
		if (!tokens) {
			return NULL;
		}
		room = n;
	}
	PyObject *list =
		n < 0 ? raise_failed(state_of(self)->error, (int)-n) : list_tokens(tokens, n);
	PyMem_Free(tokens);
	return list;
}
