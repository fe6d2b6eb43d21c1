/* SPDX-License-Identifier: MIT */
/* A block as an object, and as a buffer. module.h says who may part with it when. */
#include <errno.h>

#include "module.h"

static struct block *block_of(PyObject *self)
{
	return (struct block *)self;
}

static long long index_of(const struct block *block)
{
	return mempool_block_index(block->pool->handle, block->address);
}

/* Whether it has a block, which is this process's; else raises ValueError. */
static bool is_here(const struct block *block)
{
	if (!block->address) {
		PyErr_Format(PyExc_ValueError,
			     "this block %s, and is not this process's any more; get another",
			     block->fate);
	}
	return block->address;
}

bool block_can_go(struct block *block)
{
	if (!is_here(block)) {
		return false;
	}
	if (index_of(block) == -ECHILD) {
		raise_failed(state_of((PyObject *)block)->error, ECHILD);
		return false;
	}
	if (block->is_leaving) {
		PyErr_Format(
			PyExc_BufferError,
			"block %lld of pool %U is named twice, or another thread is sending it",
			index_of(block), block->pool->name);
		return false;
	}
	if (block->n_views > 0) {
		PyErr_Format(PyExc_BufferError,
			     "block %lld of pool %U is still in use, by %zd view%s: release() each "
			     "memoryview, and del each array, made of it before it is put, sent or "
			     "given",
			     index_of(block), block->pool->name, block->n_views,
			     block->n_views == 1 ? "" : "s");
		return false;
	}
	return true;
}

void block_forget(struct block *block, const char *fate)
{
	struct pool *pool = block->pool;
	struct channel *lender = block->lender;

	block->address = NULL;
	block->fate = fate;
	pool->n_blocks--;
	block->pool = NULL;
	block->lender = NULL;
	Py_XDECREF((PyObject *)lender);
	Py_DECREF((PyObject *)pool);
}

/* Puts a block, or returns one that was borrowed. Returns 0 or a negative errno. */
static int give_back(struct pool *pool, struct channel *lender, void *address)
{
	return lender ? mempool_channel_return(lender->handle, address)
		      : mempool_put(pool->handle, address);
}

PyObject *block_new(struct state *state, struct pool *pool, struct channel *lender, void *address)
{
	struct block *block = (struct block *)PyType_GenericAlloc(state->block_type, 0);

	if (!block) {
		give_back(pool, lender, address);
		return NULL;
	}
	Py_INCREF((PyObject *)pool);
	Py_XINCREF((PyObject *)lender);
	pool->n_blocks++;
	block->pool = pool;
	block->lender = lender;
	block->address = address;
	return (PyObject *)block;
}

PyObject *block_list(struct state *state, struct pool *pool, struct channel *lender,
		     void *const *addresses, Py_ssize_t n)
{
	PyObject *list = PyList_New(n);

	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *block = NULL;
		if (!addresses[i]) {
			Py_INCREF(Py_None);
			block = Py_None;
		} else if (list) {
			block = block_new(state, pool, lender, addresses[i]);
		} else {
			give_back(pool, lender, addresses[i]);
		}
		if (!list) {
			Py_XDECREF(block);
		} else if (!block) {
			Py_CLEAR(list);
		} else {
			PyList_SetItem(list, i, block);
		}
	}
	return list;
}

/* The last reference is gone, and with it all views: the block goes back. */
static void block_dealloc(PyObject *self)
{
	struct block *block = block_of(self);

	if (block->address) {
		PyObject *type, *value, *traceback;
		PyErr_Fetch(&type, &value, &traceback);
		int error = give_back(block->pool, block->lender, block->address);
		if (error < 0 && error != -ECHILD) {
			raise_failed(state_of(self)->error, -error);
			PyErr_WriteUnraisable(NULL);
		}
		block_forget(block, "was put");
		PyErr_Restore(type, value, traceback);
	}
	object_free(self);
}

/* ---- the buffer ---- */

static int block_get_buffer(PyObject *self, Py_buffer *view, int flags)
{
	struct block *block = block_of(self);

	view->obj = NULL;
	if (!block->address || block->is_leaving) {
		PyErr_Format(PyExc_BufferError, "this block %s: it is not to be used any more",
			     block->address ? "is being sent" : block->fate);
		return -1;
	}
	if (index_of(block) == -ECHILD) {
		PyErr_SetString(PyExc_BufferError, mempool_errmsg());
		return -1;
	}
	bool is_readonly = block->lender || block->pool->is_readonly;
	if (PyBuffer_FillInfo(view, self, block->address,
			      (Py_ssize_t)mempool_block_size(block->pool->handle), is_readonly,
			      flags) < 0) {
		return -1;
	}
	block->n_views++;
	return 0;
}

static void block_release_buffer(PyObject *self, Py_buffer *view)
{
	(void)view;
	block_of(self)->n_views--;
}

static Py_ssize_t block_length(PyObject *self)
{
	struct block *block = block_of(self);

	return is_here(block) ? (Py_ssize_t)mempool_block_size(block->pool->handle) : -1;
}

PyDoc_STRVAR(view_doc, "view($self, /, readonly=False)\n--\n\n"
		       "Returns a memoryview of the whole block, without a copy.\n\n"
		       "It is read-only, too, where the block is: of a pool that was opened so, "
		       "and of a\nbroadcast. While it is not released, the block cannot be put.");
static PyObject *block_view(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"readonly", NULL};
	int readonly = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p:view", names, &readonly)) {
		return NULL;
	}
	PyObject *view = PyMemoryView_FromObject(self);
	if (view && readonly) {
		PyObject *other = PyObject_CallMethod(view, "toreadonly", NULL);
		Py_DECREF(view);
		view = other;
	}
	return view;
}

/* ---- parting with it ---- */

PyDoc_STRVAR(put_doc, "put($self, /)\n--\n\n"
		      "Puts the block back into the pool; one that was borrowed is returned.\n\n"
		      "BufferError: there are views of it. ValueError: it was put, sent or given "
		      "before.");
static PyObject *block_put(PyObject *self, PyObject *unused)
{
	struct block *block = block_of(self);
	(void)unused;

	if (!block_can_go(block)) {
		return NULL;
	}
	int error = give_back(block->pool, block->lender, block->address);
	if (error < 0) {
		return raise_failed(state_of(self)->error, -error);
	}
	block_forget(block, "was put");
	Py_RETURN_NONE;
}

PyDoc_STRVAR(give_doc,
	     "give($self, /)\n--\n\n"
	     "Gives the block away, and returns the token: a number of 64 bits, for whoever\n"
	     "calls Pool.take() first. Send it by whatever means.");
static PyObject *block_give(PyObject *self, PyObject *unused)
{
	struct block *block = block_of(self);
	(void)unused;

	if (!block_can_go(block)) {
		return NULL;
	}
	struct mempool_token token = mempool_give(block->pool->handle, block->address);
	if (token.v == 0) {
		return raise_failed(state_of(self)->error, errno);
	}
	block_forget(block, "was given");
	return PyLong_FromUnsignedLongLong(token.v);
}

PyDoc_STRVAR(own_doc,
	     "own($self, /)\n--\n\n"
	     "Keeps a block that was borrowed from a broadcast: then it is this process's, to\n"
	     "write to, to send on or to put.\n\n"
	     "Error with EBUSY: another subscriber has it, or is to get it.");
static PyObject *block_own(PyObject *self, PyObject *unused)
{
	struct block *block = block_of(self);
	(void)unused;

	if (!is_here(block)) {
		return NULL;
	}
	if (!block->lender) {
		return raise_error(state_of(self)->error, EPERM,
				   "block %lld of pool %U is not borrowed, but this process's "
				   "already",
				   index_of(block), block->pool->name);
	}
	if (!mempool_channel_own(block->lender->handle, block->address)) {
		return raise_failed(state_of(self)->error, errno);
	}
	Py_CLEAR(block->lender);
	Py_RETURN_NONE;
}

static PyObject *block_enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (!is_here(block_of(self))) {
		return NULL;
	}
	Py_INCREF(self);
	return self;
}

/* Where an exception is under way it goes first; the block is put with its last view. */
static PyObject *block_exit(PyObject *self, PyObject *args)
{
	struct block *block = block_of(self);
	bool is_calm = PyTuple_Size(args) == 0 || PyTuple_GetItem(args, 0) == Py_None;

	if (!block->address || (!is_calm && (block->n_views > 0 || block->is_leaving))) {
		Py_RETURN_NONE;
	}
	return block_put(self, NULL);
}

/* ---- many at once ---- */

bool bunch_begin(struct bunch *bunch, struct state *state, PyObject *sequence)
{
	*bunch = (struct bunch){.blocks = PySequence_Tuple(sequence)};
	if (!bunch->blocks) {
		return false;
	}
	Py_ssize_t n = PyTuple_Size(bunch->blocks);
	bunch->addresses = PyMem_Malloc((size_t)(n ? n : 1) * sizeof *bunch->addresses);
	if (!bunch->addresses) {
		PyErr_NoMemory();
	}
	for (; bunch->addresses && bunch->n < n; bunch->n++) {
		PyObject *object = PyTuple_GetItem(bunch->blocks, bunch->n);
		if (!PyObject_TypeCheck(object, state->block_type)) {
			PyErr_Format(PyExc_TypeError, "item %zd is no mempool.Block", bunch->n);
			break;
		}
		if (!block_can_go(block_of(object))) {
			break;
		}
		block_of(object)->is_leaving = true;
		bunch->addresses[bunch->n] = block_of(object)->address;
	}
	if (!bunch->addresses || bunch->n < n) {
		bunch_end(bunch, 0, NULL);
		return false;
	}
	return true;
}

void bunch_end(struct bunch *bunch, Py_ssize_t n_gone, const char *fate)
{
	for (Py_ssize_t i = 0; i < bunch->n; i++) {
		struct block *block = block_of(PyTuple_GetItem(bunch->blocks, i));
		block->is_leaving = false;
		if (i < n_gone) {
			block_forget(block, fate);
		}
	}
	PyMem_Free(bunch->addresses);
	Py_DECREF(bunch->blocks);
}

/* ---- the type ---- */

static PyObject *block_repr(PyObject *self)
{
	struct block *block = block_of(self);

	if (!block->address) {
		return PyUnicode_FromFormat("<mempool.Block that %s>", block->fate);
	}
	if (index_of(block) == -ECHILD) {
		return PyUnicode_FromFormat("<mempool.Block of pool %U, the parent's>",
					    block->pool->name);
	}
	return PyUnicode_FromFormat("<mempool.Block %lld of pool %U%s>", index_of(block),
				    block->pool->name, block->lender ? ", borrowed" : "");
}

static PyObject *block_get_index(PyObject *self, void *unused)
{
	struct block *block = block_of(self);
	(void)unused;

	if (!is_here(block)) {
		return NULL;
	}
	long long index = index_of(block);
	return index < 0 ? raise_failed(state_of(self)->error, (int)-index)
			 : PyLong_FromLongLong(index);
}

static PyObject *block_get_readonly(PyObject *self, void *unused)
{
	struct block *block = block_of(self);
	(void)unused;

	return is_here(block) ? PyBool_FromLong(block->lender || block->pool->is_readonly) : NULL;
}

static PyMethodDef block_methods[] = {
	{"view", WITH_KEYWORDS(block_view), METH_VARARGS | METH_KEYWORDS, view_doc},
	{"put", block_put, METH_NOARGS, put_doc},
	{"give", block_give, METH_NOARGS, give_doc},
	{"own", block_own, METH_NOARGS, own_doc},
	{"__enter__", block_enter, METH_NOARGS, "Returns the block itself."},
	{"__exit__", block_exit, METH_VARARGS,
	 "Puts the block, unless it was sent or given meanwhile."},
	{"__reduce__", refuse_pickle, METH_NOARGS, "Blocks are not pickled: raises TypeError."},
	{NULL, NULL, 0, NULL},
};

static PyGetSetDef block_attributes[] = {
	{"index", block_get_index, NULL, "Its number in the pool, the same in each process.", NULL},
	{"readonly", block_get_readonly, NULL, "Whether nobody may write to it here.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(block_doc,
	     "A block that this process has: a buffer, for memoryview(), numpy.frombuffer(),\n"
	     "file.readinto() and all else that takes one. It is this process's until it is put,\n"
	     "sent or given; the end of a with statement, or of the last reference, puts it.");

static PyType_Slot block_slots[] = {
	{Py_tp_doc, (void *)block_doc},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, block_dealloc},
	{Py_tp_repr, block_repr},
	{Py_tp_methods, block_methods},
	{Py_tp_getset, block_attributes},
	{Py_sq_length, block_length},
	{Py_bf_getbuffer, block_get_buffer},
	{Py_bf_releasebuffer, block_release_buffer},
	{0, NULL},
};

PyType_Spec block_spec = {
	.name = "mempool.Block",
	.basicsize = sizeof(struct block),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = block_slots,
};
