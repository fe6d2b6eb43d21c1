# SPDX-License-Identifier: MIT
"""Registers: what was added to the pointers in them, at each instruction of a function.

On aarch64 the place of a field is often added first, as many accesses know no displacement:
	add	x3, x0, #0x80
	stlr	w1, [x3]
So for each register: a number if it holds a constant; STACK if it points there; or else the set of
what may have been added, in all, to a pointer that came from elsewhere; or ANY, for too many.
"""
import re

STACK, ANY = "stack", "any"
ZERO = frozenset((0,))
MANY = 12
WRITES_NONE = re.compile(r"(cmp|cmn|tst|ccm[pn]|[ct]bn?z|b|b\..*|blr?|br|ret|nop|dmb|dsb|prf.*|"
			 r"hint|clrex|bti|st(?!l?xr).*)$")
WRITES_TWO = re.compile(r"(ldn?p|swp|ld(add|clr|eor|set|[su]max|[su]min))")
CALLER_SAVED = ["x%d" % n for n in range(19)] + ["x30"]


def register(operand):
	"""Its name as 64 bits, or None."""
	match = re.match(r"\[?([wx])(\d+|zr)\b|\[?(sp)\b", operand)
	return match and (match[3] or "x" + match[2])


def number(operand):
	return int(operand.strip("]!")[1:], 0) if operand.startswith("#") else None


def memory(operand):
	"""Register, and second part or None, of what stands in brackets."""
	parts = [part.strip() for part in operand.strip("[]!").split(",", 1)]
	return parts[0], parts[1] if len(parts) > 1 else None


def join(a, b):
	if a == b:
		return a
	if ANY in (a, b):
		return ANY
	both = frozenset().union(*(v if isinstance(v, frozenset) else ZERO for v in (a, b)))
	return both if len(both) <= MANY else ANY


def plus(a, b):
	"""The sum of two values."""
	if isinstance(a, int) and isinstance(b, int):
		return a + b
	if isinstance(a, int):
		a, b = b, a
	if a in (STACK, ANY):
		return a
	if isinstance(b, int):
		return frozenset(n + b for n in a)
	return join(a, b if isinstance(b, frozenset) else ZERO)


class Values:
	"""At one instruction."""

	def __init__(self, values):
		self.values = values

	def __getitem__(self, name):
		if name == "xzr":
			return 0
		return STACK if name == "sp" else self.values.get(name, ZERO)

	def displacements(self, operand, more):
		"""What may have been added to a pointer, to make the address in brackets."""
		base, second = memory(operand)
		value = self[register(base)]
		if second and number(second) is not None:
			value = plus(value, number(second))
		elif second:
			value = plus(value, self.scaled(second))
		value = plus(value, more) if more else value
		return value if isinstance(value, frozenset) else ZERO

	def scaled(self, operand):
		"""Of a second operand: #8; x1; or x1, lsl #3."""
		parts = [part.strip() for part in operand.split(",")]
		if number(parts[0]) is not None:
			shift = int(parts[1].split("#")[1]) if len(parts) > 1 else 0
			return number(parts[0]) << shift
		value = self[register(parts[0])]
		if len(parts) == 1:
			return value
		shift = re.match(r"lsl #(\d+)$", parts[1])
		return value << int(shift[1]) if shift and isinstance(value, int) else ZERO


def is_stack(values, operand):
	return values[register(memory(operand)[0])] == STACK


def result(here, name, ops):
	"""What an instruction leaves in its first register."""
	if name == "mov":
		return number(ops[1]) if number(ops[1]) is not None else here[register(ops[1])]
	if name in ("add", "adds"):
		return plus(here[register(ops[1])], here.scaled(", ".join(ops[2:])))
	if name in ("sub", "subs"):
		second = here.scaled(", ".join(ops[2:]))
		return plus(here[register(ops[1])], -second if isinstance(second, int) else ZERO)
	if name in ("madd", "umaddl", "smaddl"):
		return plus(here[register(ops[3])], ZERO)
	if name == "csel":
		return join(here[register(ops[1])], here[register(ops[2])])
	return ZERO


def change(values, i):
	"""Notes what an instruction does to the registers."""
	here, name, ops = Values(values), i.name, i.operands
	new = {}
	if name == "bl" or name == "blr":
		new = dict.fromkeys(CALLER_SAVED, ZERO)
	if ops and not WRITES_NONE.match(name):
		value = result(here, name, ops)
		for target in map(register, ops[:2] if WRITES_TWO.match(name) else ops[:1]):
			new[target] = value
	for n, operand in enumerate(ops):
		if operand.startswith("[") and (operand.endswith("!") or n + 1 < len(ops)):
			base, second = memory(operand)
			by = number(second or ops[-1])
			new[register(base)] = plus(here[register(base)], by or 0)
	return {**values, **new}


class Registers:
	"""Of one function."""

	def __init__(self, code, function):
		self.code, self.function = code, function
		self.states = {function.begin: {"x29": STACK}}
		todo = [function.begin]
		while todo:
			i = self.code.code[todo.pop()]
			state = change(self.states[i.at], i)
			for at in self.next_of(i):
				if self.reach(at, state):
					todo.append(at)

	def next_of(self, i):
		"""Where it goes on, in this function."""
		after = []
		if i.flow in ("jump", "branch"):
			after = [i.target] if i.target else self.code.jump_table(i)
		if i.flow in ("", "call", "branch") and i.next:
			after.append(i.next)
		return [at for at in after if self.function.begin <= at < self.function.end]

	def reach(self, at, state):
		"""Whether this changes what is known there."""
		old = self.states.get(at)
		new = dict(state) if old is None else {
			name: join(old.get(name, ZERO), state.get(name, ZERO))
			for name in {*old, *state}}
		self.states[at] = new
		return new != old

	def at(self, at):
		return Values(self.states.get(at, {}))
