/* SPDX-License-Identifier: MIT */
/* The ends of channels as objects: a Sender, and a Receiver, which can be iterated over. */
#include <errno.h>
#include <string.h>

#include "module.h"

static struct channel *channel_of(PyObject *self)
{
	return (struct channel *)self;
}

static bool is_open(const struct channel *channel)
{
	if (!channel->handle) {
		PyErr_Format(PyExc_ValueError, "this end of channel %lu is closed; open it again",
			     (unsigned long)channel->number);
	}
	return channel->handle;
}

/* ---- opening ---- */

/* Reads the name of a kind into the flags that it stands for. */
static bool read_kind(const char *name, unsigned *flags)
{
	static const struct {
		const char *name;
		unsigned flags;
	} kinds[] = {
		{"queue", 0},
		{"work", MEMPOOL_CHANNEL_WORK},
		{"broadcast", MEMPOOL_CHANNEL_BROADCAST},
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*flags = kinds[i].flags;
			return true;
		}
	}
	PyErr_Format(PyExc_ValueError, "kind '%s' is not queue, work or broadcast", name);
	return false;
}

static PyObject *channel_new(PyObject *self, PyTypeObject *type, PyObject *argument, unsigned flags)
{
	struct pool *pool = (struct pool *)self;
	uint64_t number;

	if (!read_number("number", argument, UINT32_MAX, &number) || !pool_is_open(pool)) {
		return NULL;
	}
	struct channel *channel = (struct channel *)PyType_GenericAlloc(type, 0);
	if (!channel) {
		return NULL;
	}
	int error = -mempool_channel_open(pool->handle, (uint32_t)number,
					  flags | MEMPOOL_CHANNEL_EINTR, &channel->handle);
	if (error) {
		raise_failed(state_of(self)->error, error);
		Py_DECREF((PyObject *)channel);
		return NULL;
	}
	Py_INCREF((PyObject *)pool);
	pool->n_channels++;
	channel->pool = pool;
	channel->number = (uint32_t)number;
	channel->is_broadcast = flags & MEMPOOL_CHANNEL_BROADCAST;
	return (PyObject *)channel;
}

PyObject *pool_sender(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"number", "kind", "ends", NULL};
	const char *kind = "queue";
	unsigned flags = 0;
	int ends = 0;
	PyObject *number;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|s$p:sender", names, &number, &kind,
					 &ends) ||
	    !read_kind(kind, &flags)) {
		return NULL;
	}
	return channel_new(self, state_of(self)->sender_type, number,
			   flags | (ends ? MEMPOOL_CHANNEL_ENDS : 0));
}

PyObject *pool_receiver(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"number", "kind", "ends", "lossy", NULL};
	const char *kind = "queue";
	unsigned flags = 0;
	int ends = 0, lossy = 0;
	PyObject *number;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|s$pp:receiver", names, &number, &kind,
					 &ends, &lossy) ||
	    !read_kind(kind, &flags)) {
		return NULL;
	}
	if (lossy && !(flags & MEMPOOL_CHANNEL_BROADCAST)) {
		PyErr_Format(PyExc_ValueError, "lossy is for kind 'broadcast', not for '%s'", kind);
		return NULL;
	}
	return channel_new(self, state_of(self)->receiver_type, number,
			   flags | MEMPOOL_CHANNEL_RECEIVE | (ends ? MEMPOOL_CHANNEL_ENDS : 0) |
				   (lossy ? MEMPOOL_CHANNEL_LOSSY : 0));
}

/* ---- closing ---- */

/* Closes the handle. Returns 0 or an errno, and then it is open still. */
static int close_handle(struct channel *channel)
{
	int error = -mempool_channel_close(channel->handle);

	if (error == 0) {
		struct pool *pool = channel->pool;
		channel->handle = NULL;
		channel->pool = NULL;
		pool->n_channels--;
		Py_DECREF((PyObject *)pool);
	}
	return error;
}

PyDoc_STRVAR(close_doc, "close($self, /)\n--\n\n"
			"Closes this end. What is under way stays in the channel.\n\n"
			"Error with EBUSY: blocks that were borrowed are not put, or a thread is "
			"inside a call.");
static PyObject *channel_close(PyObject *self, PyObject *unused)
{
	struct channel *channel = channel_of(self);
	struct state *state = state_of(self);
	(void)unused;

	if (!channel->handle) {
		Py_RETURN_NONE;
	}
	if (channel->n_inside > 0 && mempool_blocks(channel->pool->handle) != 0) {
		return raise_error(state->error, EBUSY,
				   "channel %lu cannot be closed: a thread is inside a call on it, "
				   "and cancel() ends its wait",
				   (unsigned long)channel->number);
	}
	int error = close_handle(channel);
	if (error) {
		return raise_failed(state->error, error);
	}
	Py_RETURN_NONE;
}

static PyObject *channel_enter(PyObject *self, PyObject *unused)
{
	(void)unused;
	if (!is_open(channel_of(self))) {
		return NULL;
	}
	Py_INCREF(self);
	return self;
}

/* Where an exception is under way it goes first; the end is closed with its last reference. */
static PyObject *channel_exit(PyObject *self, PyObject *args)
{
	bool is_calm = PyTuple_Size(args) == 0 || PyTuple_GetItem(args, 0) == Py_None;
	PyObject *closed = channel_close(self, NULL);

	if (!closed && !is_calm && PyErr_ExceptionMatches(state_of(self)->error)) {
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	return closed;
}

/* A loan keeps its channel, and a call its object, so that only a fork can be in the way. */
static void channel_dealloc(PyObject *self)
{
	struct channel *channel = channel_of(self);

	if (channel->handle && close_handle(channel) != 0) {
		channel->pool->n_channels--;
		Py_CLEAR(channel->pool);
	}
	object_free(self);
}

/* ---- sending ---- */

static PyObject *raise_not_sent(const struct channel *channel, const struct state *state, int error)
{
	switch (error) {
	case ETIMEDOUT:
		return raise_error(state->full, error,
				   "channel %lu of pool %U was full all the time; mempoolctl "
				   "channels tells who is behind",
				   (unsigned long)channel->number, channel->pool->name);
	case EAGAIN:
		return raise_failed(state->full, error);
	case EPIPE:
		return raise_failed(state->end_of_stream, error);
	default:
		return error < 0 ? NULL : raise_failed(state->error, error);
	}
}

struct sending {
	struct mempool_channel *handle;
	struct bunch bunch;
	ssize_t n_sent;
};

static int send_once(void *data, int timeout_ms)
{
	struct sending *sending = data;

	sending->n_sent = mempool_channel_send_bulk(sending->handle, sending->bunch.addresses,
						    (size_t)sending->bunch.n, timeout_ms);
	return sending->n_sent < 0 ? (int)-sending->n_sent : 0;
}

/* Sends the first of @blocks, as many as there is room for. Returns how many, or -1. */
static Py_ssize_t send(PyObject *self, PyObject *blocks, int64_t timeout_ns)
{
	struct channel *channel = channel_of(self);
	struct state *state = state_of(self);
	struct sending sending = {0};

	if (!bunch_begin(&sending.bunch, state, blocks)) {
		return -1;
	}
	if (!is_open(channel)) {
		bunch_end(&sending.bunch, 0, NULL);
		return -1;
	}
	sending.handle = channel->handle;
	int error = wait_for(send_once, &sending, timeout_ns, &channel->n_inside);
	Py_ssize_t n_sent = error ? 0 : sending.n_sent;
	if (error) {
		raise_not_sent(channel, state, error);
	}
	bunch_end(&sending.bunch, n_sent, "was sent");
	return error ? -1 : n_sent;
}

PyDoc_STRVAR(send_doc,
	     "send($self, block, timeout=None)\n--\n\n"
	     "Sends a block, which is not this process's any more then.\n\n"
	     "Waits for room as many seconds, or, by None, as long as it takes. Full: there was\n"
	     "none. EndOfStream: with ends, nobody receives any more. Error with ENOTCONN: a\n"
	     "broadcast has no subscriber.");
static PyObject *channel_send(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"block", "timeout", NULL};
	PyObject *block;
	int64_t timeout_ns = FOREVER_NS;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O&:send", names, &block, read_timeout,
					 &timeout_ns)) {
		return NULL;
	}
	PyObject *blocks = PyTuple_Pack(1, block);
	if (!blocks) {
		return NULL;
	}
	Py_ssize_t n = send(self, blocks, timeout_ns);
	Py_DECREF(blocks);
	if (n < 0) {
		return NULL;
	}
	Py_RETURN_NONE;
}

PyDoc_STRVAR(send_bulk_doc,
	     "send_bulk($self, blocks, timeout=None)\n--\n\n"
	     "Sends the first of blocks, as many as there is room for, and returns how many.\n\n"
	     "Waits only while there is no room at all.");
static PyObject *channel_send_bulk(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"blocks", "timeout", NULL};
	PyObject *blocks;
	int64_t timeout_ns = FOREVER_NS;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O&:send_bulk", names, &blocks,
					 read_timeout, &timeout_ns)) {
		return NULL;
	}
	Py_ssize_t n = send(self, blocks, timeout_ns);
	return n < 0 ? NULL : PyLong_FromSsize_t(n);
}

/* ---- receiving ---- */

static PyObject *raise_not_received(const struct channel *channel, const struct state *state,
				    int error)
{
	switch (error) {
	case ETIMEDOUT:
		return raise_error(state->empty, error,
				   "nothing came by channel %lu of pool %U in time; mempoolctl "
				   "channels tells who sends",
				   (unsigned long)channel->number, channel->pool->name);
	case EAGAIN:
		return raise_failed(state->empty, error);
	case EPIPE:
		return raise_failed(state->end_of_stream, error);
	default:
		return error < 0 ? NULL : raise_failed(state->error, error);
	}
}

/* Receiving and borrowing differ in the call alone. */
struct receiving {
	struct mempool_channel *handle;
	bool is_borrowing;
	void **blocks;
	size_t n;
	ssize_t n_received;
};

static int receive_once(void *data, int timeout_ms)
{
	struct receiving *r = data;

	r->n_received =
		r->is_borrowing
			? mempool_channel_borrow_bulk(r->handle, (const void **)r->blocks, r->n,
						      timeout_ms)
			: mempool_channel_receive_bulk(r->handle, r->blocks, r->n, timeout_ms);
	return r->n_received < 0 ? (int)-r->n_received : 0;
}

/* Receives one block. NULL: an exception is set, but for an @end, which iteration has. */
static PyObject *receive(PyObject *self, bool is_borrowing, int64_t timeout_ns, bool *end)
{
	struct channel *channel = channel_of(self);
	struct state *state = state_of(self);
	void *block = NULL;
	struct receiving receiving = {
		.handle = channel->handle, .is_borrowing = is_borrowing, .blocks = &block, .n = 1};

	if (!is_open(channel)) {
		return NULL;
	}
	int error = wait_for(receive_once, &receiving, timeout_ns, &channel->n_inside);
	if (error == 0) {
		return block_new(state, channel->pool, is_borrowing ? channel : NULL, block);
	}
	if (end && (error == EPIPE || error == ECANCELED)) {
		*end = true;
		return NULL;
	}
	return raise_not_received(channel, state, error);
}

static PyObject *receive_one(PyObject *self, PyObject *args, PyObject *kwargs, bool is_borrowing)
{
	static char *names[] = {"timeout", NULL};
	int64_t timeout_ns = FOREVER_NS;

	return PyArg_ParseTupleAndKeywords(args, kwargs, "|O&", names, read_timeout, &timeout_ns)
		       ? receive(self, is_borrowing, timeout_ns, NULL)
		       : NULL;
}

static PyObject *receive_bulk(PyObject *self, PyObject *args, PyObject *kwargs, bool is_borrowing)
{
	static char *names[] = {"n", "timeout", NULL};
	struct channel *channel = channel_of(self);
	struct state *state = state_of(self);
	int64_t timeout_ns = FOREVER_NS;
	PyObject *number, *list = NULL;
	uint64_t n;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O&", names, &number, read_timeout,
					 &timeout_ns) ||
	    !read_number("n", number, UINT64_MAX, &n) || !is_open(channel)) {
		return NULL;
	}
	if (n < 1 || n > MEMPOOL_CHANNEL_DEPTH_MAX) {
		PyErr_Format(PyExc_ValueError, "n must be 1 to %u", MEMPOOL_CHANNEL_DEPTH_MAX);
		return NULL;
	}
	void **blocks = PyMem_Calloc((size_t)n, sizeof *blocks);
	if (!blocks) {
		return PyErr_NoMemory();
	}
	struct receiving receiving = {.handle = channel->handle,
				      .is_borrowing = is_borrowing,
				      .blocks = blocks,
				      .n = (size_t)n};
	int error = wait_for(receive_once, &receiving, timeout_ns, &channel->n_inside);
	if (error) {
		raise_not_received(channel, state, error);
	} else {
		list = block_list(state, channel->pool, is_borrowing ? channel : NULL, blocks,
				  receiving.n_received);
	}
	PyMem_Free(blocks);
	return list;
}

PyDoc_STRVAR(receive_doc,
	     "receive($self, /, timeout=None)\n--\n\n"
	     "Receives a block, which is this process's then, from a queue or work.\n\n"
	     "Waits for one as many seconds, or, by None, as long as it takes. Empty: none came.\n"
	     "EndOfStream: with ends, nobody sends any more, and all is received.");
static PyObject *channel_receive(PyObject *self, PyObject *args, PyObject *kwargs)
{
	return receive_one(self, args, kwargs, false);
}

PyDoc_STRVAR(borrow_doc, "borrow($self, /, timeout=None)\n--\n\n"
			 "Borrows the next block of a broadcast, to read it until it is put.\n\n"
			 "Otherwise as receive().");
static PyObject *channel_borrow(PyObject *self, PyObject *args, PyObject *kwargs)
{
	return receive_one(self, args, kwargs, true);
}

PyDoc_STRVAR(receive_bulk_doc,
	     "receive_bulk($self, n, timeout=None)\n--\n\n"
	     "Receives up to n blocks: a list. Waits only while there is none at all.");
static PyObject *channel_receive_bulk(PyObject *self, PyObject *args, PyObject *kwargs)
{
	return receive_bulk(self, args, kwargs, false);
}

PyDoc_STRVAR(borrow_bulk_doc,
	     "borrow_bulk($self, n, timeout=None)\n--\n\n"
	     "Borrows up to n blocks: a list. Waits only while there is none at all.");
static PyObject *channel_borrow_bulk(PyObject *self, PyObject *args, PyObject *kwargs)
{
	return receive_bulk(self, args, kwargs, true);
}

/* The next block, waiting for it; the end of the stream, or cancel(), ends the loop. */
static PyObject *channel_next(PyObject *self)
{
	bool end = false;

	return receive(self, channel_of(self)->is_broadcast, FOREVER_NS, &end);
}

/* ---- both ends ---- */

struct draining {
	struct mempool_channel *handle;
};

static int drain_once(void *data, int timeout_ms)
{
	return -mempool_channel_drain(((struct draining *)data)->handle, timeout_ms);
}

PyDoc_STRVAR(drain_doc,
	     "drain($self, /, timeout=None)\n--\n\n"
	     "Waits until all is received that was sent before the call, by whomever. Full: not\n"
	     "all was, in so many seconds.");
static PyObject *channel_drain(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"timeout", NULL};
	struct channel *channel = channel_of(self);
	int64_t timeout_ns = FOREVER_NS;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O&:drain", names, read_timeout,
					 &timeout_ns) ||
	    !is_open(channel)) {
		return NULL;
	}
	struct draining draining = {.handle = channel->handle};
	int error = wait_for(drain_once, &draining, timeout_ns, &channel->n_inside);
	if (error == ETIMEDOUT) {
		return raise_error(state_of(self)->full, error,
				   "what was sent by channel %lu of pool %U was not all received "
				   "in time; mempoolctl channels tells who is behind",
				   (unsigned long)channel->number, channel->pool->name);
	}
	if (error) {
		return raise_not_sent(channel, state_of(self), error);
	}
	Py_RETURN_NONE;
}

PyDoc_STRVAR(channel_cancel_doc, "cancel($self, /)\n--\n\n"
				 "Ends all waits by this end, in all threads, now and from now on: "
				 "Error with ECANCELED.");
static PyObject *channel_cancel(PyObject *self, PyObject *unused)
{
	struct channel *channel = channel_of(self);
	(void)unused;

	if (!is_open(channel)) {
		return NULL;
	}
	int error = -mempool_channel_cancel(channel->handle);
	if (error) {
		return raise_failed(state_of(self)->error, error);
	}
	Py_RETURN_NONE;
}

PyDoc_STRVAR(channel_fileno_doc,
	     "fileno($self, /)\n--\n\n"
	     "A descriptor for select and asyncio: readable while there is something to receive,\n"
	     "or room to send. It belongs to this end: do not read or close it.");
static PyObject *channel_fileno(PyObject *self, PyObject *unused)
{
	struct channel *channel = channel_of(self);
	(void)unused;

	if (!is_open(channel)) {
		return NULL;
	}
	int fd = mempool_channel_fd(channel->handle);
	return fd < 0 ? raise_failed(state_of(self)->error, -fd) : PyLong_FromLong(fd);
}

PyDoc_STRVAR(channel_stat_doc, "stat($self, /)\n--\n\n"
			       "The numbers of the channel, those of struct mempool_channel_stats: "
			       "a dict.");
static PyObject *channel_stat(PyObject *self, PyObject *unused)
{
	static const struct number numbers[] = {
		NUMBER(struct mempool_channel_stats, depth),
		NUMBER(struct mempool_channel_stats, senders),
		NUMBER(struct mempool_channel_stats, receivers),
		NUMBER(struct mempool_channel_stats, sent),
		NUMBER(struct mempool_channel_stats, retired),
		NUMBER(struct mempool_channel_stats, lag),
		NUMBER(struct mempool_channel_stats, lost),
	};
	struct channel *channel = channel_of(self);
	struct mempool_channel_stats stats = {.size = sizeof stats};
	(void)unused;

	if (!is_open(channel)) {
		return NULL;
	}
	int error = -mempool_channel_stat(channel->handle, &stats);
	return error ? raise_failed(state_of(self)->error, error)
		     : numbers_as_dict(numbers, sizeof numbers / sizeof numbers[0], &stats);
}

/* ---- the types ---- */

static PyObject *channel_repr(PyObject *self)
{
	struct channel *channel = channel_of(self);
	PyObject *type = PyObject_GetAttrString((PyObject *)Py_TYPE(self), "__name__");
	PyObject *text = NULL;

	if (type) {
		text = channel->handle
			       ? PyUnicode_FromFormat("<mempool.%U of channel %lu of pool %U>",
						      type, (unsigned long)channel->number,
						      channel->pool->name)
			       : PyUnicode_FromFormat("<mempool.%U of channel %lu, closed>", type,
						      (unsigned long)channel->number);
		Py_DECREF(type);
	}
	return text;
}

static PyObject *channel_get_number(PyObject *self, void *unused)
{
	(void)unused;
	return PyLong_FromUnsignedLong(channel_of(self)->number);
}

static PyObject *channel_get_closed(PyObject *self, void *unused)
{
	(void)unused;
	return PyBool_FromLong(!channel_of(self)->handle);
}

#define KEYWORDS (METH_VARARGS | METH_KEYWORDS)
#define METHODS_OF_BOTH                                                                \
	{"drain", WITH_KEYWORDS(channel_drain), KEYWORDS, drain_doc},                  \
		{"cancel", channel_cancel, METH_NOARGS, channel_cancel_doc},           \
		{"fileno", channel_fileno, METH_NOARGS, channel_fileno_doc},           \
		{"stat", channel_stat, METH_NOARGS, channel_stat_doc},                 \
		{"close", channel_close, METH_NOARGS, close_doc},                      \
		{"__enter__", channel_enter, METH_NOARGS, "Returns this end itself."}, \
		{"__exit__", channel_exit, METH_VARARGS, "Closes this end."},          \
		{"__reduce__", refuse_pickle, METH_NOARGS,                             \
		 "Ends of channels are not pickled: raises TypeError."},               \
	{                                                                              \
		NULL, NULL, 0, NULL                                                    \
	}

static PyMethodDef sender_methods[] = {
	{"send", WITH_KEYWORDS(channel_send), KEYWORDS, send_doc},
	{"send_bulk", WITH_KEYWORDS(channel_send_bulk), KEYWORDS, send_bulk_doc},
	METHODS_OF_BOTH,
};

static PyMethodDef receiver_methods[] = {
	{"receive", WITH_KEYWORDS(channel_receive), KEYWORDS, receive_doc},
	{"receive_bulk", WITH_KEYWORDS(channel_receive_bulk), KEYWORDS, receive_bulk_doc},
	{"borrow", WITH_KEYWORDS(channel_borrow), KEYWORDS, borrow_doc},
	{"borrow_bulk", WITH_KEYWORDS(channel_borrow_bulk), KEYWORDS, borrow_bulk_doc},
	METHODS_OF_BOTH,
};

static PyGetSetDef channel_attributes[] = {
	{"number", channel_get_number, NULL, "The channel's number.", NULL},
	{"closed", channel_get_closed, NULL, "Whether this end has been closed.", NULL},
	{NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot sender_slots[] = {
	{Py_tp_doc, "The end of a channel that sends; by Pool.sender()."},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, channel_dealloc},
	{Py_tp_repr, channel_repr},
	{Py_tp_methods, sender_methods},
	{Py_tp_getset, channel_attributes},
	{0, NULL},
};

static PyType_Slot receiver_slots[] = {
	{Py_tp_doc, "The end of a channel that receives; by Pool.receiver().\n\n"
		    "A for statement has one block after the other, and ends at the end of the "
		    "stream,\nif it was opened with ends, or after cancel()."},
	{Py_tp_new, refuse_new},
	{Py_tp_dealloc, channel_dealloc},
	{Py_tp_repr, channel_repr},
	{Py_tp_iter, PyObject_SelfIter},
	{Py_tp_iternext, channel_next},
	{Py_tp_methods, receiver_methods},
	{Py_tp_getset, channel_attributes},
	{0, NULL},
};

PyType_Spec sender_spec = {
	.name = "mempool.Sender",
	.basicsize = sizeof(struct channel),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = sender_slots,
};

PyType_Spec receiver_spec = {
	.name = "mempool.Receiver",
	.basicsize = sizeof(struct channel),
	.flags = Py_TPFLAGS_DEFAULT,
	.slots = receiver_slots,
};
