/* SPDX-License-Identifier: MIT */
/*
 * An open pool as an object. It has a connection of its own, since a pool can be grown, and is made
 * anew by name, long after it was opened. There is no close by force: it would take the memory from
 * under views.
 */
#include <errno.h>

#include "module.h"

static struct pool *pool_of(PyObject *self)
{
	return (struct pool *)self;
}

bool pool_is_open(const struct pool *pool)
{
	if (!pool->handle) {
		PyErr_Format(PyExc_ValueError, "pool %U is closed; open it again", pool->name);
	}
	return pool->handle;
}

/* ---- create, open ---- */

/* What a request to the daemon is about; it runs without the GIL. */
struct request {
	const struct creation *creation; /* create, open or create */
	const char *name;
	const char *socket;
	unsigned flags;
	uint64_t schema;
	uint32_t version;
	bool may_exist;
};

static int make_request(const struct request *request, struct mempool_conn *conn,
			struct mempool **handle)
{
	if (!request->creation) {
		return mempool_open_schema(conn, request->name, request->flags, request->schema,
					   request->version, handle);
	}
	return request->may_exist
		       ? mempool_open_or_create(conn, request->name, &request->creation->attr,
						handle)
		       : mempool_create(conn, request->name, &request->creation->attr, handle);
}

/* Connects, and opens. Returns 0 or an errno. */
static int request_pool(const struct request *request, struct pool *pool)
{
	int error = mempool_connect(&pool->conn, request->socket);

	if (error == 0) {
		error = make_request(request, pool->conn, &pool->handle);
	}
	return -error;
}

static PyObject *pool_new(PyObject *type, const struct request *request)
{
	int error;
	struct pool *pool = (struct pool *)PyType_GenericAlloc((PyTypeObject *)type, 0);

	if (!pool) {
		return NULL;
	}
	pool->name = PyUnicode_FromString(request->name);
	pool->is_readonly = request->flags & (MEMPOOL_RDONLY | MEMPOOL_OBSERVE);
	if (!pool->name) {
		Py_DECREF((PyObject *)pool);
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS error = request_pool(request, pool);
	Py_END_ALLOW_THREADS if (error)
	{
		raise_failed(state_of((PyObject *)pool)->error, error);
		Py_DECREF((PyObject *)pool);
		return NULL;
	}
	return (PyObject *)pool;
}

static PyObject *create(PyObject *type, PyObject *args, PyObject *kwargs, bool may_exist)
{
	struct creation creation;

	if (!creation_parse(&creation, args, kwargs)) {
		return NULL;
	}
	const struct request request = {
		.creation = &creation,
		.name = creation.name,
		.socket = creation.socket,
		.may_exist = may_exist,
	};
	return pool_new(type, &request);
}

#define OPTIONS                                                                                 \
	"(name, block_size, blocks, *, max_blocks=0, alignment=0, uid=None, gid=None, mode=0, " \
	"processes=0, threads=0, thread_cache=0, shards=0, gift_grace_ms=0, schema=0, "         \
	"schema_version=0, quota=0, lifetime=PERSISTENT, channels=0, channel_depth=0, "         \
	"backing=BACKING_AUTO, huge_pages=NO, prefault=NO, socket=None)\n\n"

PyDoc_STRVAR(create_doc,
	     "create" OPTIONS "Makes the pool, and opens it to write.\n\n"
	     "Options are those of struct mempool_attr; 0 is the default of each. socket is the\n"
	     "daemon's; None: $MEMPOOL_SOCKET, else the user's, else the system's.");
static PyObject *pool_create(PyObject *type, PyObject *args, PyObject *kwargs)
{
	return create(type, args, kwargs, false);
}

PyDoc_STRVAR(open_or_create_doc,
	     "open_or_create" OPTIONS "Opens the pool to write if there is one, else makes it.\n\n"
	     "For programs that start together: one of them makes it, the others wait for that.\n"
	     "Block size, alignment and schema of a pool that exists must be as they are here.");
static PyObject *pool_open_or_create(PyObject *type, PyObject *args, PyObject *kwargs)
{
	return create(type, args, kwargs, true);
}

PyDoc_STRVAR(
	open_doc,
	"open(name, *, readonly=False, observe=False, schema=0, schema_version=0, "
	"socket=None)\n\n"
	"Opens the pool: to write, readonly to read blocks, or to observe its numbers alone.\n\n"
	"With a schema, only if the pool was made with that one and its version.");
static PyObject *pool_open(PyObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"name",           "readonly", "observe", "schema",
				"schema_version", "socket",   NULL};
	int readonly = 0, observe = 0;
	PyObject *schema = NULL, *version = NULL;
	struct request request = {0};

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|$ppOOz:open", names, &request.name,
					 &readonly, &observe, &schema, &version, &request.socket)) {
		return NULL;
	}
	request.flags = (readonly ? MEMPOOL_RDONLY : 0) | (observe ? MEMPOOL_OBSERVE : 0);
	uint64_t number = 0;
	if ((schema && !read_number("schema", schema, UINT64_MAX, &request.schema)) ||
	    (version && !read_number("schema_version", version, UINT32_MAX, &number))) {
		return NULL;
	}
	request.version = (uint32_t)number;
	return pool_new(type, &request);
}

/* ---- close ---- */

/* Closes the handle. Returns 0 or an errno, and then it is open still. */
static int close_handle(struct pool *pool)
{
	struct mempool *handle = pool->handle;
	int error;

	pool->handle = NULL; /* for other threads */
	Py_BEGIN_ALLOW_THREADS error = mempool_close(handle);
	Py_END_ALLOW_THREADS if (error < 0)
	{
		pool->handle = handle;
	}
	return -error;
}

PyDoc_STRVAR(close_doc,
	     "close($self, /)\n--\n\n"
	     "Closes the pool. A pool that is closed already is left as it is.\n\n"
	     "Error with EBUSY: blocks, gifts that nobody took, ends of channels or a thread's\n"
	     "call are in the way.");
static PyObject *pool_close(PyObject *self, PyObject *unused)
{
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	(void)unused;

	if (!pool->handle) {
		Py_RETURN_NONE;
	}
	if (pool->n_inside > 0 && mempool_blocks(pool->handle) != 0) {
		return raise_error(state->error, EBUSY,
				   "pool %U cannot be closed: a thread is inside a call on it, and "
				   "cancel() ends its wait",
				   pool->name);
	}
	if ((pool->n_blocks > 0 || pool->n_channels > 0) && mempool_blocks(pool->handle) != 0) {
		return raise_error(state->error, EBUSY,
				   "pool %U cannot be closed: put its blocks, of which there are "
				   "%u here, and close its senders and receivers, %u, before",
				   pool->name, pool->n_blocks, pool->n_channels);
	}
	int error = close_handle(pool);
	if (error) {
		return raise_failed(state->error, error);
	}
	mempool_disconnect(pool->conn);
	pool->conn = NULL;
	Py_RETURN_NONE;
}

static PyObject *pool_enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (!pool_is_open(pool_of(self))) {
		return NULL;
	}
	Py_INCREF(self);
	return self;
}

/* Where an exception is under way it goes first; the pool is closed with its last reference. */
static PyObject *pool_exit(PyObject *self, PyObject *args)
{
	bool is_calm = PyTuple_Size(args) == 0 || PyTuple_GetItem(args, 0) == Py_None;
	PyObject *closed = pool_close(self, NULL);

	if (!closed && !is_calm && PyErr_ExceptionMatches(state_of(self)->error)) {
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	return closed;
}

/* Gifts may be in the way of a close. Then the pool is open until the process ends, as they are. */
static void pool_dealloc(PyObject *self)
{
	struct pool *pool = pool_of(self);

	if (pool->handle) {
		close_handle(pool);
	}
	mempool_disconnect(pool->conn);
	Py_XDECREF(pool->name);
	object_free(self);
}

/* ---- blocks ---- */

struct get {
	struct mempool *handle;
	void *block;
};

static int get_once(void *data, int timeout_ms)
{
	struct get *get = data;

	get->block = timeout_ms == 0 ? mempool_get(get->handle)
				     : mempool_get_wait(get->handle, timeout_ms);
	return get->block ? 0 : errno;
}

static PyObject *raise_not_got(const struct pool *pool, const struct state *state, int error)
{
	switch (error) {
	case ETIMEDOUT:
		return raise_error(state->empty, error,
				   "no block of pool %U came free in time; mempoolctl blocks tells "
				   "who has them",
				   pool->name);
	case ENOMEM:
	case EAGAIN:
		return raise_failed(state->empty, error);
	default:
		return error < 0 ? NULL : raise_failed(state->error, error);
	}
}

PyDoc_STRVAR(get_doc, "get($self, /, timeout=0)\n--\n\n"
		      "Gets a block; its contents are what its last owner left.\n\n"
		      "Waits for one as many seconds, or, by None, as long as it takes. Empty: "
		      "none came free.");
static PyObject *pool_get(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"timeout", NULL};
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	int64_t timeout_ns = 0;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&:get", names, read_timeout,
					 &timeout_ns) ||
	    !pool_is_open(pool)) {
		return NULL;
	}
	struct get get = {.handle = pool->handle};
	int error = wait_for(get_once, &get, timeout_ns, &pool->n_inside);
	if (error) {
		return raise_not_got(pool, state, error);
	}
	return block_new(state, pool, NULL, get.block);
}

PyDoc_STRVAR(get_bulk_doc, "get_bulk($self, n, /)\n--\n\n"
			   "Gets n blocks, all or none: a list. Empty: there are not as many.");
static PyObject *pool_get_bulk(PyObject *self, PyObject *number)
{
	struct pool *pool = pool_of(self);
	struct state *state = state_of(self);
	PyObject *list = NULL;
	uint64_t n;

	if (!read_number("n", number, PY_SSIZE_T_MAX, &n) || !pool_is_open(pool)) {
		return NULL;
	}
	void **blocks = array_of((Py_ssize_t)n);
	if (!blocks) {
		return NULL;
	}
	int error = -mempool_get_bulk(pool->handle, blocks, n);
	if (error) {
		raise_not_got(pool, state, error);
	} else {
		list = block_list(state, pool, NULL, blocks, (Py_ssize_t)n);
	}
	PyMem_Free(blocks);
	return list;
}

PyDoc_STRVAR(put_bulk_doc, "put_bulk($self, blocks, /)\n--\n\nPuts blocks, all or none.");
static PyObject *pool_put_bulk(PyObject *self, PyObject *blocks)
{
	struct pool *pool = pool_of(self);
	struct bunch bunch;

	if (!bunch_begin(&bunch, state_of(self), blocks)) {
		return NULL;
	}
	if (!pool_is_open(pool)) {
		bunch_end(&bunch, 0, NULL);
		return NULL;
	}
	int error = -mempool_put_bulk(pool->handle, bunch.addresses, (size_t)bunch.n);
	bunch_end(&bunch, error ? 0 : bunch.n, "was put");
	if (error) {
		return raise_failed(state_of(self)->error, error);
	}
	Py_RETURN_NONE;
}

/* ---- others ---- */

PyDoc_STRVAR(fileno_doc,
	     "fileno($self, /)\n--\n\n"
	     "A descriptor for select and asyncio: readable while a block may be had, until a get\n"
	     "says Empty. It is the pool's: do not read or close it.");
static PyObject *pool_fileno(PyObject *self, PyObject *unused)
{
	struct pool *pool = pool_of(self);
	(void)unused;

	if (!pool_is_open(pool)) {
		return NULL;
	}
	int fd = mempool_fd(pool->handle);
	return fd < 0 ? raise_failed(state_of(self)->error, -fd) : PyLong_FromLong(fd);
}

static PyObject *call_plain(PyObject *self, int (*call)(struct mempool *))
{
	struct pool *pool = pool_of(self);

	if (!pool_is_open(pool)) {
		return NULL;
	}
	int error = -call(pool->handle);
	if (error) {
		return raise_failed(state_of(self)->error, error);
	}
	Py_RETURN_NONE;
}

PyDoc_STRVAR(flush_doc, "flush($self, /)\n--\n\n"
			"Returns the free blocks that this thread caches, for anybody.");
static PyObject *pool_flush(PyObject *self, PyObject *unused)
{
	(void)unused;
	return call_plain(self, mempool_flush);
}

PyDoc_STRVAR(cancel_doc,
	     "cancel($self, /)\n--\n\n"
	     "Ends all waits for this pool's blocks and by its channels, in all threads, now and\n"
	     "from now on: Error with ECANCELED. To wait again, close the pool and open it anew.");
static PyObject *pool_cancel(PyObject *self, PyObject *unused)
{
	(void)unused;
	return call_plain(self, mempool_cancel);
}

PyDoc_STRVAR(grow_doc, "grow($self, blocks, /)\n--\n\n"
		       "Grows the pool to that many blocks, at most the max_blocks of its making.");
static PyObject *pool_grow(PyObject *self, PyObject *blocks)
{
	struct pool *pool = pool_of(self);
	uint64_t number;
	int error;

	if (!read_number("blocks", blocks, UINT32_MAX, &number) || !pool_is_open(pool)) {
		return NULL;
	}
	if (mempool_state(pool->handle) == MEMPOOL_REPLACED) {
		return raise_error(state_of(self)->error, ENOENT,
				   "pool %U was destroyed, and there is another of its name: open "
				   "that to grow it",
				   pool->name);
	}
	const char *name = PyUnicode_AsUTF8AndSize(pool->name, NULL);
	if (!name) {
		return NULL;
	}
	pool->n_inside++;
	Py_BEGIN_ALLOW_THREADS error = -mempool_grow(pool->conn, name, (uint32_t)number);
	Py_END_ALLOW_THREADS pool->n_inside--;
	if (error) {
		return raise_failed(state_of(self)->error, error);
	}
	Py_RETURN_NONE;
}

/* ---- the type ---- */

static PyObject *pool_repr(PyObject *self)
{
	struct pool *pool = pool_of(self);

	return PyUnicode_FromFormat("<mempool.Pool %R%s>", pool->name,
				    pool->handle ? "" : ", closed");
}

PyDoc_STRVAR(take_doc,
	     "take($self, token, /)\n--\n\n"
	     "Takes the block that somebody gave. Error with ESTALE: the token was used.");

PyDoc_STRVAR(withdraw_doc, "withdraw($self, token, /)\n--\n\n"
			   "Takes back a gift of this process that nobody has taken yet.");

PyDoc_STRVAR(give_bulk_doc, "give_bulk($self, blocks, /)\n--\n\n"
			    "Gives blocks away, all or none: a list of their tokens.");

PyDoc_STRVAR(take_bulk_doc, "take_bulk($self, tokens, /)\n--\n\n"
			    "Takes blocks: a list, with None where a token was used.");

PyDoc_STRVAR(withdraw_bulk_doc, "withdraw_bulk($self, tokens, /)\n--\n\n"
				"Takes gifts back: a list, with None for those that were taken.");

PyDoc_STRVAR(gifts_doc, "gifts($self, /)\n--\n\n"
			"The tokens of this process's gifts that nobody has taken yet: a list.");

PyDoc_STRVAR(stat_doc, "stat($self, /)\n--\n\n"
		       "The numbers of the pool, those of struct mempool_stats: a dict.");

PyDoc_STRVAR(check_doc,
	     "check($self, /)\n--\n\n"
	     "Checks the pool's invariants: a dict with blocks, lost, duplicated, broken, and\n"
	     "first, a sentence on the first finding, or ''. All is well if first is ''.");

PyDoc_STRVAR(sender_doc,
	     "sender($self, number, kind='queue', *, ends=False)\n--\n\n"
	     "Opens a channel of the pool to send: a Sender. Its kind, 'queue', 'work' or\n"
	     "'broadcast', is that of its first open. With ends, send() says EndOfStream when\n"
	     "nobody receives any more.");

PyDoc_STRVAR(receiver_doc,
	     "receiver($self, number, kind='queue', *, ends=False, lossy=False)\n--\n\n"
	     "Opens a channel of the pool to receive: a Receiver. With ends, it is told when\n"
	     "nobody sends any more. A lossy subscriber of a broadcast loses the oldest blocks,\n"
	     "where others hold senders up.");

#define CLASS_METHOD (METH_VARARGS | METH_KEYWORDS | METH_CLASS)

static PyMethodDef pool_methods[] = {
	{"create", WITH_KEYWORDS(pool_create), CLASS_METHOD, create_doc},
	{"open", WITH_KEYWORDS(pool_open), CLASS_METHOD, open_doc},
	{"open_or_create", WITH_KEYWORDS(pool_open_or_create), CLASS_METHOD, open_or_create_doc},
	{"close", pool_close, METH_NOARGS, close_doc},
	{"get", WITH_KEYWORDS(pool_get), METH_VARARGS | METH_KEYWORDS, get_doc},
	{"get_bulk", pool_get_bulk, METH_O, get_bulk_doc},
	{"put_bulk", pool_put_bulk, METH_O, put_bulk_doc},
	{"take", pool_take, METH_O, take_doc},
	{"withdraw", pool_withdraw, METH_O, withdraw_doc},
	{"give_bulk", pool_give_bulk, METH_O, give_bulk_doc},
	{"take_bulk", pool_take_bulk, METH_O, take_bulk_doc},
	{"withdraw_bulk", pool_withdraw_bulk, METH_O, withdraw_bulk_doc},
	{"gifts", pool_gifts, METH_NOARGS, gifts_doc},
	{"sender", WITH_KEYWORDS(pool_sender), METH_VARARGS | METH_KEYWORDS, sender_doc},
	{"receiver", WITH_KEYWORDS(pool_receiver), METH_VARARGS | METH_KEYWORDS, receiver_doc},
	{"stat", pool_stat, METH_NOARGS, stat_doc},
	{"check", pool_check, METH_NOARGS, check_doc},
	{"fileno", pool_fileno, METH_NOARGS, fileno_doc},
	{"flush", pool_flush, METH_NOARGS, flush_doc},
	{"cancel", pool_cancel, METH_NOARGS, cancel_doc},
	{"grow", pool_grow, METH_O, grow_doc},
	{"__enter__", pool_enter, METH_NOARGS, "Returns the pool itself."},
	{"__exit__", pool_exit, METH_VARARGS, "Closes the pool."},
	{"__reduce__", refuse_pickle, METH_NOARGS, "Pools are not pickled: raises TypeError."},
	{NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(pool_doc, "A pool that this process has open; by create(), open() or "
		       "open_or_create().\n\nThe end of a with statement closes it.");

static PyType_Slot pool_slots[] = {
	{Py_tp_doc, (void *)pool_doc},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, pool_dealloc},
	{Py_tp_repr, pool_repr},
	{Py_tp_methods, pool_methods},
	{Py_tp_getset, pool_attributes},
	{0, NULL},
};

PyType_Spec pool_spec = {
	.name = "mempool.Pool",
	.basicsize = sizeof(struct pool),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = pool_slots,
};
