/* SPDX-License-Identifier: MIT */
/*
 * The Python module mempool: its objects, and what its files share.
 *
 *	Pool	an open pool; blocks and ends of channels keep it open
 *	Block	a block that this process owns, or has borrowed from a broadcast; a buffer
 *	Sender, Receiver	the two ends of a channel
 *
 * Python's lock (the GIL) guards all fields here. Calls that take nanoseconds keep it; requests to
 * the daemon and waits let it go. Who lets it go while it uses a handle raises n_inside of the
 * object meanwhile, and a close by another thread says EBUSY.
 *
 * A block's memory can be used while, and only while, the block is this process's. Each buffer that
 * is taken of a Block (a memoryview, the array of numpy.frombuffer) is counted in n_views, and with
 * a view out there is no way to part with the block: put, send and give refuse. After that, there
 * are no more buffers to be had. A view keeps its Block, the Block its Pool, so the memory stays
 * mapped as long as somebody can reach it.
 *
 * The stable ABI has buffers from Python 3.11 on. There one build serves all later versions; for
 * 3.9 and 3.10 the same source is compiled for that version alone, with its whole API.
 */
#ifndef PYTHON_MODULE_H
#define PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <mempool/mempool.h>

/* What belongs to the imported module. */
struct state {
	PyTypeObject *pool_type;
	PyTypeObject *block_type;
	PyTypeObject *sender_type;
	PyTypeObject *receiver_type;
	PyObject *error; /* the exceptions */
	PyObject *empty;
	PyObject *full;
	PyObject *end_of_stream;
};

struct pool {
	PyObject_HEAD struct mempool_conn *conn;
	struct mempool *handle; /* NULL: closed */
	PyObject *name;
	bool is_readonly;
	unsigned n_blocks; /* Block objects that have a block through this object */
	unsigned n_channels;
	unsigned n_inside;
};

struct channel {
	PyObject_HEAD struct pool *pool;
	struct mempool_channel *handle; /* NULL: closed */
	uint32_t number;
	bool is_broadcast;
	unsigned n_inside;
};

struct block {
	PyObject_HEAD struct pool *pool;
	struct channel *lender; /* of a borrowed block */
	void *address;          /* NULL: this object has no block any more */
	const char *fate;       /* and that is why: "was put" */
	Py_ssize_t n_views;
	bool is_leaving; /* a thread that let the GIL go is about to send it */
};

/* The types, and the state, of which an object's type knows. No type can be derived from. */
extern PyType_Spec pool_spec, block_spec, sender_spec, receiver_spec;
struct state *state_of(PyObject *self);

/*
 * Raises @type with the errno @error and a sentence: the library's on this thread's last failed
 * call, or the one given. Returns NULL.
 */
PyObject *raise_failed(PyObject *type, int error);
PyObject *raise_error(PyObject *type, int error, const char *format, ...);

/* For __reduce__ and __new__ of objects that are neither pickled nor made by hand: TypeError. */
PyObject *refuse_pickle(PyObject *self, PyObject *unused);
PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);

/* Frees an object of ours, once its fields are. */
void object_free(PyObject *self);

/* A pair for a table of methods; keywords or not, Python has one type for the pointer. */
#define WITH_KEYWORDS(function) ((PyCFunction)(void (*)(void))(function))

/* A number of one of the library's structs, for a dict that has all of them. */
struct number {
	const char *name;
	size_t offset;
	size_t size;
};
#define NUMBER(type, field)                                               \
	{                                                                 \
#field, offsetof(type, field), sizeof(((type *)0)->field) \
	}
/*
 * Reads an argument that is a whole number of any kind, as numpy has its own, from 0 to @max. @what
 * names it to who gave something else: TypeError, or ValueError.
 */
bool read_number(const char *what, PyObject *argument, uint64_t max, uint64_t *number);

/* Memory for n pointers or tokens, all zero, for PyMem_Free(). NULL: an exception is set. */
void *array_of(Py_ssize_t n);

PyObject *numbers_as_dict(const struct number *numbers, size_t n, const void *of);

/* ---- wait.c ---- */

#define FOREVER_NS INT64_MAX

/*
 * Reads seconds, or None, into an int64_t of nanoseconds, for O& of PyArg_Parse. It may call the
 * caller's __float__: look only after that whether the object is open.
 */
int read_timeout(PyObject *timeout, void *ns);

/*
 * Calls @call with a timeout in milliseconds until it returns something else than that there is
 * nothing yet, or the time is up. A signal's handler in Python runs meanwhile, and ends the wait by
 * what it raises. *@n_inside is raised while others may run.
 *
 * Returns 0, or the errno of the last call: ETIMEDOUT when the time is up, but with a timeout of 0
 * what the only call said. -1: an exception is set.
 */
typedef int wait_call(void *data, int timeout_ms);
int wait_for(wait_call *call, void *data, int64_t timeout_ns, unsigned *n_inside);

/* ---- pool.c ---- */

/* Whether the pool is open; else raises ValueError. */
bool pool_is_open(const struct pool *pool);

/* ---- block.c ---- */

/* A Block for what a call has just returned. If that fails, the block goes back to where it was. */
PyObject *block_new(struct state *state, struct pool *pool, struct channel *lender, void *address);

/* The same for n of them. Blocks that are NULL become None. */
PyObject *block_list(struct state *state, struct pool *pool, struct channel *lender,
		     void *const *addresses, Py_ssize_t n);

/* Whether the process can part with it now: it is here, and nobody has a view; else raises. */
bool block_can_go(struct block *block);

/* The object has no block any more, because it @fate ("was put"). */
void block_forget(struct block *block, const char *fate);

/* Blocks of a Python sequence, while a call parts with them. */
struct bunch {
	PyObject *blocks; /* a tuple */
	void **addresses;
	Py_ssize_t n;
};

/*
 * Takes the blocks of @sequence, each of which can go, and nobody else may touch meanwhile. The
 * sequence may be a generator, which does what it likes: look only after that whether the object is
 * open.
 */
bool bunch_begin(struct bunch *bunch, struct state *state, PyObject *sequence);

/* Of the first @n_gone the objects have no block any more. */
void bunch_end(struct bunch *bunch, Py_ssize_t n_gone, const char *fate);

/* ---- channel.c: methods of Pool ---- */

PyObject *pool_sender(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *pool_receiver(PyObject *self, PyObject *args, PyObject *kwargs);

/* ---- gift.c: methods of Pool ---- */

PyObject *pool_take(PyObject *self, PyObject *token);
PyObject *pool_withdraw(PyObject *self, PyObject *token);
PyObject *pool_give_bulk(PyObject *self, PyObject *blocks);
PyObject *pool_take_bulk(PyObject *self, PyObject *tokens);
PyObject *pool_withdraw_bulk(PyObject *self, PyObject *tokens);
PyObject *pool_gifts(PyObject *self, PyObject *unused);

/* ---- told.c: methods of Pool, and its attributes ---- */

PyObject *pool_stat(PyObject *self, PyObject *unused);
PyObject *pool_check(PyObject *self, PyObject *unused);
extern PyGetSetDef pool_attributes[];

/* ---- attr.c ---- */

/* The arguments of Pool.create() and Pool.open_or_create(). */
struct creation {
	const char *name;
	const char *socket; /* NULL: the default */
	struct mempool_attr attr;
};

/* Fills it in from a call's arguments, to which it refers. Returns false with an exception set. */
bool creation_parse(struct creation *creation, PyObject *args, PyObject *kwargs);

/* Adds what an option may be: PERSISTENT and others. */
int attr_add_constants(PyObject *module);

#endif
