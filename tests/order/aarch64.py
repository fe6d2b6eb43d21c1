# SPDX-License-Identifier: MIT
"""Aarch64: what an instruction of 64-bit Arm does.

A read-modify-write is an instruction of LSE (casal), a call of a helper in libgcc that uses one
where there is one (__aarch64_cas8_acq_rel), or a loop of a load and a store that are exclusive. The
loop is taken for one access, at its load: nothing else may stand in it, and a store that fails has
done nothing, so the way back to the load is not walked.
"""
import re

from code import Access, Code
from registers import Registers, is_stack, number, register
from rules import Fault

FLOWS = {"ret": "return", "brk": "stop", "udf": "stop", "bl": "call", "blr": "call", "b": "jump",
	 "br": "jump", "cbz": "branch", "cbnz": "branch", "tbz": "branch", "tbnz": "branch"}
HELPER = re.compile(r"__aarch64_(cas|swp|ldadd|ldclr|ldeor|ldset)(\d)_(\w+)$")
LSE = re.compile(r"(casp?|swp|(?:ld|st)(?:add|clr|eor|set|[su]max|[su]min))(a?)(l?)([bh]?)$")
ORDERS = {"acq_rel": "full", "acq": "acquire", "rel": "release", "relax": "", "sync": "full",
	  "al": "full", "a": "acquire", "l": "release", "": ""}
PLAIN = re.compile(r"(ld|st)(r|ur|ar|apr|apur|lr|lur|n?p)(s?[bhw])?$")
EXCLUSIVE = re.compile(r"(ld|st)(a|l)?xr([bh])?$")
NEAR = 12  # instructions between the load and the store of a loop, at most


def split_operands(text):
	return [o.strip() for o in re.split(r",(?![^\[{]*[\]}])", text)] if text else []


def size_of(suffix, operand):
	"""By the end of an instruction's name, or else by its register."""
	sizes = {"b": 1, "h": 2, "sb": 1, "sh": 2, "sw": 4}
	return sizes.get(suffix) or {"w": 4, "s": 4, "q": 16, "b": 1, "h": 2}.get(operand[0], 8)


class Aarch64(Code):
	COMMENT = "//"

	def __init__(self, library, objdump):
		super().__init__(library, objdump)
		self.registers = {}  # begin of a function: what its registers hold
		for i in list(self.code.values()):
			if re.match("ld.*x", i.name) and not HELPER.match(
					self.function_at(i.at).name):
				self.find_loop(i)

	def decode(self, i):
		name, _, operands = i.text.partition("\t")
		i.name, i.operands = name.strip(), split_operands(operands.strip())
		i.flow = FLOWS.get(i.name, "branch" if i.name.startswith("b.") else "")
		if i.flow and i.operands:
			self.aim(i, i.operands[-1])
		helper = HELPER.match(i.callee or "")
		if helper:  # an access, though it looks like a call
			i.role = Access("lock", int(helper[2]), (), ORDERS[helper[3]])
			i.flow = "return" if i.flow == "jump" else ""
			i.target = i.callee = None

	# ---- loops of exclusive accesses ----

	def find_loop(self, load):
		"""Makes one access of the loop that an exclusive load begins."""
		store = self.find_store(load)
		branch = self.code.get(store.next)
		while branch and branch.name not in ("cbz", "cbnz"):
			if branch.at > store.at + 8 or self.touches_memory(branch) or branch.flow:
				self.fail(store)
			branch = self.code.get(branch.next)
		if not branch or register(branch.operands[0]) != register(store.operands[0]):
			self.fail(store)
		back, on = branch.target, branch.next
		if branch.name == "cbz":
			back, on = on, back
		while self.code[back].name == "b":
			back = self.code[back].target
		if back != load.at:
			self.fail(store)
		branch.flow, branch.target = "jump", on
		release = EXCLUSIVE.match(store.name)[2] or ""
		acquire = EXCLUSIVE.match(load.name)[2] or ""
		load.role = Access("lock", size_of(EXCLUSIVE.match(load.name)[3],
						   load.operands[0]), (), ORDERS[acquire + release])

	def find_store(self, load):
		"""The exclusive store to the same place, on a way that touches nothing else."""
		todo, seen, stores = [load.next], set(), []
		while todo:
			i = self.code.get(todo.pop())
			if not i or i.at in seen or len(seen) > NEAR:
				continue
			seen.add(i.at)
			if EXCLUSIVE.match(i.name) and i.operands[-1] == load.operands[-1]:
				stores.append(i)
			elif i.name != "clrex" and i.flow in ("", "branch", "jump") \
					and not self.touches_memory(i):
				todo += [i.target] if i.flow and i.target else []
				todo += [i.next] if i.flow != "jump" else []
		stores = [i for i in stores if i.name.startswith("st")]
		if len(stores) != 1:
			self.fail(load)
		return stores[0]

	def touches_memory(self, i):
		return i.role or "[" in i.text or i.name == "dmb"

	def fail(self, i):
		raise Fault("%x: %s: no loop that is understood" % (i.at, i.text))

	# ---- accesses ----

	def accesses(self, i):
		"""What it does to memory that is not the stack."""
		if i.role:
			return [i.role]
		if i.name in ("dmb", "dsb"):
			order = "full" if i.operands[0] in ("ish", "sy") else ""
			return [Access("fence", order=order)]
		match = LSE.match(i.name)
		if match:
			order = ORDERS[match[2] + match[3]]
			return [Access("lock", size_of(match[4], i.operands[0]), (), order)]
		where = next((n for n, o in enumerate(i.operands) if o.startswith("[")), None)
		if where is None or re.match("prf|st.*x", i.name) or is_stack(
				self.values(i), i.operands[where]):
			return []
		match = PLAIN.match(i.name)
		if not match:
			raise Fault("%x: %s: an access that is not understood" % (i.at, i.text))
		ordered = {"ar": "acquire", "apr": "acquire", "apur": "acquire", "lr": "release",
			   "lur": "release"}
		kind, order = "load" if match[1] == "ld" else "store", ordered.get(match[2], "")
		found = []
		for n, operand in enumerate(i.operands[:where]):
			size = size_of(match[3], operand)
			found.append(Access(kind, size, self.values(i).displacements(
				i.operands[where], n * size), order))
		return found

	def values(self, i):
		begin = self.function_at(i.at).begin
		if begin not in self.registers:
			self.registers[begin] = Registers(self, self.function_at(i.at))
		return self.registers[begin].at(i.at)

	# ---- jump tables ----

	def jump_table(self, i):
		"""Where a jump through a register goes.

		The register is an address, of an adr, and an entry of a table, times 4. The table
		is made by adrp and add; how long it is says a comparison before.
		"""
		def last(what, target=None, at=i.at):
			for b in self.before(i):
				if b.at < at and re.match(what, b.text) and (
						not target or target == register(b.operands[0])):
					return b
			raise Fault("%x: %s: where to?" % (i.at, i.text))

		jump = last(r"(add|ldr|mov)\t", register(i.operands[0]))
		if jump.name != "add":
			return []
		origin = last(r"adr\t", register(jump.operands[1]))
		load = last(r"ldr[bh]\t", register(jump.operands[2]))
		low = last(r"add\t", register(load.operands[1]), load.at)
		page = last(r"adrp\t", register(low.operands[1]), low.at + 4)
		length = last(r"cmp\t.*#", None, load.at)
		table = int(page.operands[1].split()[0], 16) + number(low.operands[2])
		size, signed = size_of(load.name[-1], ""), "sxt" in jump.text
		begin, targets = int(origin.operands[1].split()[0], 16), []
		for n in range(number(length.operands[1]) + 1):
			at = table + n * size
			entry = bytes(self.rodata.get(at + k, 0xff) for k in range(size))
			targets.append(begin + 4 * int.from_bytes(entry, "little", signed=signed))
		if any(t not in self.code or self.base(t) != self.base(i.at) for t in targets):
			raise Fault("%x: %s: where to?" % (i.at, i.text))
		return targets
