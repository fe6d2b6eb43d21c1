# SPDX-License-Identifier: MIT
"""Walk: every path of a library through one rule."""
import re

from rules import NOTHING, Fault, after, ends, first

# Kinds of events that are more than an access: what that is, and what it keeps in order.
ORDERED = {"release": ("store", "release"), "acquire": ("load", "acquire"),
	   "lock": ("lock", "full"), "fence": ("fence", "full"),
	   "barrier": ("fence", "full")}


class Walk:
	"""One rule in one library."""

	def __init__(self, code, fields, rule):
		self.code, self.fields, self.rule = code, fields, rule
		self.calls = {e.call: e.name for e in rule.events if e.call}
		self.lines = frozenset().union(*(e.lines for e in rule.events if not e.call))
		self.seen = {}     # address of an instruction: its events
		self.left = {}     # (begin of a function, order): orders at its returns
		self.events = {}   # address: events

	def events_of(self, i):
		"""The names of the events that the instruction is: few are any."""
		if i.at not in self.events:
			self.events[i.at] = tuple(self.find_events(i))
		return self.events[i.at]

	def find_events(self, i):
		if i.callee:
			name = self.calls.get(re.split(r"[.@]", i.callee)[0])
			return [name] if name else []
		if not self.lines & i.lines:
			return []
		found = []
		for access in self.code.accesses(i):
			for event in self.rule.events:
				if not event.call and event.lines & i.lines \
						and self.fits(i, event, access):
					found.append(event.name)
					break
		return found

	def fits(self, i, event, access):
		kind, order = ORDERED.get(event.kind, (event.kind, ""))
		offset, wide = self.fields[event.field] if event.field else (0, 0)
		if kind == "load":
			narrow = access.narrow and access.size < wide
			if access.kind != kind or event.field and (
					offset not in access.displacements
					or not narrow and access.size != wide):
				return False
		elif access.kind == "load" or (access.kind == "fence") != (kind == "fence"):
			return False
		elif access.kind != kind:
			raise Fault("%s is no %s: %x: %s" % (event.name, event.kind, i.at, i.text))
		elif event.field and access.size != wide:
			raise Fault("%s is no store of %d bytes: %x: %s"
				    % (event.name, wide, i.at, i.text))
		if order and access.order not in (order, "full"):
			raise Fault("%s is no %s here: %x: %s"
				    % (event.name, event.kind, i.at, i.text))
		return True

	def begins(self):
		"""The functions at which to begin."""
		functions = [f for f in self.code.functions
			     if not re.search(r"\.(cold|part)", f.name)]
		if self.rule.roots == ["*"]:
			return [f for f in functions
				if any(map(self.events_of, self.code.within(f)))]
		names = [tuple(root.split(":")) for root in self.rule.roots]
		return [f for f in functions if (f.file, f.name.split(".")[0]) in names]

	def check(self):
		"""Walks all paths. Returns how many functions and events there were."""
		begins = self.begins()
		for function in begins:
			for order in self.walk(function.begin, self.rule.order):
				if not ends(order):
					raise Fault("%s returns, and there should have come: %s" % (
						function.name, " or ".join(sorted(first(order)))))
		seen = {name for names in self.seen.values() for name in names}
		for event in self.rule.events:
			if event.name not in seen:
				raise Fault("no path has: " + event.name)
		if self.rule.roots == ["*"]:
			for at, i in self.code.code.items():
				if at not in self.seen and self.events_of(i):
					raise Fault("no path leads to %x: %s" % (at, i.text))
		return len(begins), len(self.seen)

	def walk(self, begin, order):
		"""From a function's begin to its returns: what may come after them."""
		if (begin, order) in self.left:
			return self.left[begin, order]
		self.left[begin, order] = left = set()
		todo, came_from = [(begin, order)], {(begin, order): None}
		while todo:
			here = todo.pop()
			for there in self.step(here, left, came_from):
				if there not in came_from:
					came_from[there] = here
					todo.append(there)
		return left

	def step(self, here, left, came_from):
		"""What comes after an instruction, as (address, order)."""
		at, order = here
		i = self.code.code[at]
		events = self.events_of(i)
		for event in events:
			self.seen[at] = events
			rest = after(order, event)
			if rest == NOTHING:
				self.complain(here, event, order, came_from)
			order = rest
		if i.flow in ("return", "stop"):
			if i.flow == "return":
				left.add(order)
			return []
		if i.flow == "call":
			follow = not events and i.target in self.code.code and "@" not in i.callee
			orders = self.walk(i.target, order) if follow else [order]
			return [(i.next, o) for o in orders if i.next]
		if i.flow == "jump" and (events or i.callee and "@" in i.callee):
			left.add(order)
			return []
		if i.flow == "jump" and not i.target:
			targets = self.code.jump_table(i)
			if not targets:  # a call, the last thing that the function does
				left.add(order)
			return [(target, order) for target in targets]
		found = [(i.target, order)] if i.flow else []
		if i.flow != "jump" and i.next:
			found.append((i.next, order))
		return found

	def complain(self, here, event, order, came_from):
		at = here[0]
		function = self.code.function_at(at)
		before = []
		while here:
			if here[0] != at:
				before[:0] = self.events.get(here[0], ())
			here = came_from[here]
		wanted = sorted(first(order)) + (["the end"] if ends(order) else [])
		raise Fault("%s, %x: %s\n\t%s comes after [%s], where there should come: %s" % (
			function.name, at, self.code.code[at].text, event, " ".join(before),
			" or ".join(wanted)))
