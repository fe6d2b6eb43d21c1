/* SPDX-License-Identifier: MIT */
/* The module itself: its types, exceptions and functions, and what objects have in common. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "module.h"

struct state *state_of(PyObject *self)
{
	return PyType_GetModuleState(Py_TYPE(self));
}

/* The sentence on this thread's last failed call, with Python's names in it. */
static PyObject *sentence_of_failure(void)
{
	static const struct {
		const char *c;
		const char *python;
	} names[] = {
		{"mempool_get_wait()", "get(timeout=None)"},
		{"mempool_withdraw()", "Pool.withdraw()"},
		{"mempool_channel_return()", "Block.put()"},
		{"mempool_channel_own()", "Block.own()"},
		{"mempool_channel_borrow()", "Receiver.borrow()"},
		{"mempool_channel_receive()", "Receiver.receive()"},
		{"mempool_channel_cancel()", "its cancel()"},
		{"mempool_cancel()", "Pool.cancel()"},
		{"flags 0 or MEMPOOL_RDONLY", "observe=False"},
	};
	PyObject *sentence = PyUnicode_FromFormat("%s", mempool_errmsg());

	for (size_t i = 0; sentence && i < sizeof names / sizeof names[0]; i++) {
		if (strstr(mempool_errmsg(), names[i].c)) {
			PyObject *other = PyObject_CallMethod(sentence, "replace", "ss", names[i].c,
							      names[i].python);
			Py_DECREF(sentence);
			sentence = other;
		}
	}
	return sentence;
}

PyObject *raise_failed(PyObject *type, int error)
{
	PyObject *sentence = sentence_of_failure();

	if (sentence) {
		raise_error(type, error, "%U", sentence);
		Py_DECREF(sentence);
	}
	return NULL;
}

PyObject *raise_error(PyObject *type, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	PyObject *sentence = PyUnicode_FromFormatV(format, arguments);
	va_end(arguments);
	PyObject *args = sentence ? Py_BuildValue("(iO)", error, sentence) : NULL;
	if (args) {
		PyErr_SetObject(type, args);
		Py_DECREF(args);
	}
	Py_XDECREF(sentence);
	return NULL;
}

PyObject *refuse_pickle(PyObject *self, PyObject *unused)
{
	(void)unused;
	PyErr_Format(PyExc_TypeError,
		     "%R cannot be pickled, as it is this process's: have the other process open "
		     "the pool by its name; a block goes there by a channel, or by the token of "
		     "give()",
		     self);
	return NULL;
}

PyObject *refuse_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	(void)args;
	(void)kwargs;
	PyErr_Format(PyExc_TypeError,
		     "no %R is made so: use Pool.create(), open() or open_or_create(), and a "
		     "pool's get(), sender() and receiver()",
		     type);
	return NULL;
}

void object_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_Free(self);
	Py_DECREF(type);
}

bool read_number(const char *what, PyObject *argument, uint64_t max, uint64_t *number)
{
	if (!PyIndex_Check(argument)) {
		PyErr_Format(PyExc_TypeError, "%s must be a whole number, not %R", what, argument);
		return false;
	}
	PyObject *whole = PyNumber_Index(argument);
	if (!whole) {
		return false;
	}
	*number = PyLong_AsUnsignedLongLong(whole);
	Py_DECREF(whole);
	if (!PyErr_Occurred() && *number <= max) {
		return true;
	}
	if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_OverflowError)) {
		PyErr_Format(PyExc_ValueError, "%s=%R is out of range", what, argument);
	}
	return false;
}

void *array_of(Py_ssize_t n)
{
	void *array = n >= 0 && (size_t)n < SIZE_MAX / sizeof(uint64_t)
			      ? PyMem_Calloc((size_t)(n ? n : 1), sizeof(uint64_t))
			      : NULL;

	if (!array) {
		PyErr_NoMemory();
	}
	return array;
}

PyObject *numbers_as_dict(const struct number *numbers, size_t n, const void *of)
{
	PyObject *dict = PyDict_New();

	for (size_t i = 0; dict && i < n; i++) {
		const char *at = (const char *)of + numbers[i].offset;
		PyObject *number = PyLong_FromUnsignedLongLong(numbers[i].size == sizeof(uint32_t)
								       ? *(const uint32_t *)at
								       : *(const uint64_t *)at);
		if (!number || PyDict_SetItemString(dict, numbers[i].name, number) < 0) {
			Py_CLEAR(dict);
		}
		Py_XDECREF(number);
	}
	return dict;
}

/* ---- functions ---- */

PyDoc_STRVAR(destroy_doc,
	     "destroy($module, name, *, socket=None)\n--\n\n"
	     "Destroys the pool: nobody can open it any more, and its memory goes when the last\n"
	     "of those that have it open has left.");
static PyObject *destroy(PyObject *module, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"name", "socket", NULL};
	struct state *state = PyModule_GetState(module);
	const char *name, *socket = NULL;
	struct mempool_conn *conn = NULL;
	int error;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|$z:destroy", names, &name, &socket)) {
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS error = mempool_connect(&conn, socket);
	if (error == 0) {
		error = mempool_destroy(conn, name);
	}
	Py_END_ALLOW_THREADS if (error)
	{
		raise_failed(state->error, -error);
	}
	mempool_disconnect(conn);
	if (error) {
		return NULL;
	}
	Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
	{"destroy", WITH_KEYWORDS(destroy), METH_VARARGS | METH_KEYWORDS, destroy_doc},
	{NULL, NULL, 0, NULL},
};

/* ---- making the module ---- */

/* Makes an exception of the module. The caller keeps the reference; the module has its own. */
static PyObject *add_exception(PyObject *module, const char *name, const char *doc, PyObject *base)
{
	PyObject *type = PyErr_NewExceptionWithDoc(name, doc, base, NULL);

	if (type) {
		Py_INCREF(type);
		if (PyModule_AddObject(module, strrchr(name, '.') + 1, type) < 0) {
			Py_DECREF(type);
			Py_CLEAR(type);
		}
	}
	return type;
}

static bool add_exceptions(PyObject *module, struct state *state)
{
	state->error = add_exception(module, "mempool.Error",
				     "A call of the library failed: errno says how, strerror is "
				     "the sentence.",
				     PyExc_OSError);
	if (!state->error) {
		return false;
	}
	state->empty = add_exception(module, "mempool.Empty",
				     "There is no block to get or to receive, or none in time.",
				     state->error);
	state->full = add_exception(module, "mempool.Full",
				    "The channel has no room, or not all was received in time.",
				    state->error);
	state->end_of_stream =
		add_exception(module, "mempool.EndOfStream",
			      "With ends: nobody sends, or receives, any more.", state->error);
	return state->empty && state->full && state->end_of_stream;
}

static PyTypeObject *add_type(PyObject *module, PyType_Spec *spec)
{
	PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);

	if (type && PyModule_AddType(module, (PyTypeObject *)type) < 0) {
		Py_CLEAR(type);
	}
	return (PyTypeObject *)type;
}

static bool add_types(PyObject *module, struct state *state)
{
	state->pool_type = add_type(module, &pool_spec);
	state->block_type = add_type(module, &block_spec);
	state->sender_type = add_type(module, &sender_spec);
	state->receiver_type = add_type(module, &receiver_spec);
	return state->pool_type && state->block_type && state->sender_type && state->receiver_type;
}

/*
 * Handlers of signals run in the main interpreter alone, so ^C would not end a wait in another; and
 * nothing here is tried there.
 */
static int module_exec(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	if (PyInterpreterState_GetID(PyInterpreterState_Get()) != 0) {
		PyErr_SetString(PyExc_ImportError,
				"mempool works in a process's main interpreter alone; import it "
				"there, or start another process");
		return -1;
	}
	if (!add_exceptions(module, state) || !add_types(module, state) ||
	    attr_add_constants(module) < 0) {
		return -1;
	}
	return PyModule_AddStringConstant(module, "__version__", mempool_version());
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct state *state = PyModule_GetState(module);

	Py_VISIT(state->pool_type);
	Py_VISIT(state->block_type);
	Py_VISIT(state->sender_type);
	Py_VISIT(state->receiver_type);
	Py_VISIT(state->error);
	Py_VISIT(state->empty);
	Py_VISIT(state->full);
	Py_VISIT(state->end_of_stream);
	return 0;
}

/* Objects outlive this only together with their type, which keeps the module. */
static int module_clear(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	Py_CLEAR(state->pool_type);
	Py_CLEAR(state->block_type);
	Py_CLEAR(state->sender_type);
	Py_CLEAR(state->receiver_type);
	Py_CLEAR(state->error);
	Py_CLEAR(state->empty);
	Py_CLEAR(state->full);
	Py_CLEAR(state->end_of_stream);
	return 0;
}

static void module_free(void *module)
{
	module_clear(module);
}

static PyModuleDef_Slot module_slots[] = {
	{Py_mod_exec, module_exec},
	{0, NULL},
};

static struct PyModuleDef module_definition = {
	PyModuleDef_HEAD_INIT,
	.m_name = "mempool._mempool",
	.m_doc = "The parts of the package mempool that are written in C.",
	.m_size = sizeof(struct state),
	.m_methods = functions,
	.m_slots = module_slots,
	.m_traverse = module_traverse,
	.m_clear = module_clear,
	.m_free = module_free,
};

PyMODINIT_FUNC PyInit__mempool(void);
PyMODINIT_FUNC PyInit__mempool(void)
{
	return PyModuleDef_Init(&module_definition);
}
