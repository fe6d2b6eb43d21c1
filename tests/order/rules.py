# SPDX-License-Identifier: MIT
"""Rules: their events, as lines of the source, and their orders, as regular expressions."""
import collections
import os
import re


class Fault(Exception):
	pass


# ---- orders: regular expressions over names, and their derivatives (Brzozowski, 1964) ----

EMPTY, NOTHING = ("empty",), ("nothing",)  # matches the end; matches never


def seq(a, b):
	if NOTHING in (a, b):
		return NOTHING
	return b if a == EMPTY else a if b == EMPTY else ("seq", a, b)


def alt(a, b):
	options = set(a[1] if a[0] == "alt" else [a]) | set(b[1] if b[0] == "alt" else [b])
	options.discard(NOTHING)
	if not options:
		return NOTHING
	return options.pop() if len(options) == 1 else ("alt", frozenset(options))


def ends(order):
	kind = order[0]
	if kind == "seq":
		return ends(order[1]) and ends(order[2])
	return any(map(ends, order[1])) if kind == "alt" else kind in ("empty", "star")


def after(order, name):
	kind = order[0]
	if kind == "name":
		return EMPTY if order[1] == name else NOTHING
	if kind == "star":
		return seq(after(order[1], name), order)
	if kind == "alt":
		rest = NOTHING
		for option in order[1]:
			rest = alt(rest, after(option, name))
		return rest
	if kind == "seq":
		rest = seq(after(order[1], name), order[2])
		return alt(rest, after(order[2], name)) if ends(order[1]) else rest
	return NOTHING


def first(order):
	"""What may come next."""
	kind = order[0]
	if kind == "name":
		return {order[1]}
	if kind == "star":
		return first(order[1])
	if kind == "alt":
		return set().union(*map(first, order[1]))
	if kind == "seq":
		return first(order[1]) | (first(order[2]) if ends(order[1]) else set())
	return set()


def parse_order(text, names, absent):
	"""Of a text with these names; those that are absent are as if they were not in it."""
	tokens = re.findall(r"[a-z]+|\S", text) + ["end"]

	def either():
		order = chain()
		while tokens[0] == "|":
			tokens.pop(0)
			order = alt(order, chain())
		return order

	def chain():
		order = EMPTY
		while tokens[0] not in ("end", "|", ")"):
			order = seq(order, item())
		return order

	def item():
		token = tokens.pop(0)
		if token == "(":
			order = either()
			if tokens.pop(0) != ")":
				raise Fault("no ) in: " + text)
		elif token in absent:
			order = EMPTY
		elif token in names:
			order = ("name", token)
		else:
			raise Fault("%s is no event, in: %s" % (token, text))
		while tokens[0] in ("*", "+", "?"):
			sign = tokens.pop(0)
			many = ("star", order)
			order = (many if sign == "*" else
				 alt(order, EMPTY) if sign == "?" else seq(order, many))
		return order

	order = either()
	if tokens != ["end"]:
		raise Fault("not understood: " + text)
	return order


# ---- rules ----

Event = collections.namedtuple("Event", "name kind field lines call")


class Rule:
	def __init__(self, name, roots):
		self.name, self.roots, self.events, self.text = name, roots, [], ""


def lines_of(place, text):
	"""The lines of a function in which a text stands, as (file, number)."""
	base, function = place.split(":")
	file = next(f for f in ("lib/core/" + base, "lib/" + base) if os.path.exists(f))
	with open(file) as f:
		source = f.read().splitlines()
	begin = re.compile(r"\S.*\b%s\(" % function)
	for i, line in enumerate(source):
		if not begin.match(line):
			continue
		while source[i] != "{" and not source[i].endswith(";"):
			i += 1
		if source[i] == "{":
			end = source.index("}", i)
			found = {(file, n + 1) for n in range(i, end) if text in source[n]}
			if found:
				return found
	raise Fault("%s: %s has no statement with: %s" % (file, function, text))


def read_rules(path, has_barriers):
	"""The rules for machines that have, or have not, an instruction for each barrier."""
	rules = []
	with open(path) as f:
		for line in f:
			words = line.split()
			if not words or line.startswith("#"):
				continue
			if words[0] == "rule":
				rules.append(Rule(words[1], words[2:]))
			elif words[0] == "order" or line.startswith("\t\t"):
				rules[-1].text += " " + line.strip().removeprefix("order")
			elif words[1] == "call":
				event = Event(words[0], "call", None, None, words[2])
				rules[-1].events.append(event)
			else:
				name, kind, field, place, text = line.strip().split(None, 4)
				rules[-1].events.append(
					Event(name, kind, field if field != "-" else None,
					      lines_of(place, text), None))
	for rule in rules:
		names = {event.name for event in rule.events}
		if not has_barriers:
			rule.events = [event for event in rule.events if event.kind != "barrier"]
		absent = names - {event.name for event in rule.events}
		rule.order = parse_order(rule.text, names, absent)
	return rules
