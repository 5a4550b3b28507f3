package api

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/moonwire/moonwire/lua/precise"
)

var preciseEntries = []*Entry{
	{On: "precise", Name: "calculate", Phase: Both, Summary: "Calculates with 64 binary digits, which Lua's own numbers have not.",
		Detail: "Numbers are text. Whole numbers of up to 18 digits stay exact, and 0.1 + 0.2 is 0.3 when it is shown with `precise.format`. " +
			"Operations of two numbers: add, subtract, multiply, divide, remainder (with the sign of the first), remainder_nearest, power, atan2; " +
			"of one: negate, abs, trunc, floor, ceil, round (halves away from zero), rint (halves to the even one), sqrt, exp, exp2, exp10, log, log2, log10, sin, cos, tan, asin, acos, atan.",
		Params: []Field{
			{Name: "operation", Type: text(), Required: true, Summary: "what to do"},
			{Name: "a", Type: either(text(), number()), Required: true, Summary: "a number"},
			{Name: "b", Type: either(text(), number()), Summary: "another, for operations of two"},
		},
		Results: []Field{
			{Name: "result", Type: either(text(), Type{Kinds: kindNil}), Summary: "so exact that it can be calculated with on; inf, -inf and -nan where there is no number"},
			{Name: "reason", Type: text(), Summary: "why there is none"},
		},
		Example: `local sum = precise.calculate("add", "123456789012345678", "1")
log.info(precise.format(sum))`,
		Func: func(a *Args) int {
			a.State.Spend(a.L, 200)
			result, err := precise.Calculate(a.String(0), a.String(1), a.String(2))
			if err != nil {
				return a.Refuse(err.Error())
			}
			return a.Return(lua.LString(result))
		}},
	{On: "precise", Name: "compare", Phase: Both, Summary: "Compares two numbers that are text.",
		Params: []Field{
			{Name: "a", Type: either(text(), number()), Required: true, Summary: "a number"},
			{Name: "b", Type: either(text(), number()), Required: true, Summary: "another"},
		},
		Results: []Field{
			{Name: "order", Type: either(whole(), Type{Kinds: kindNil}), Summary: "-1, 0 or 1 as a is less than, equal to or greater than b"},
			{Name: "reason", Type: text(), Summary: "why there is none"},
		},
		Example: `if precise.compare("0.30", "0.3") == 0 then log.info "the same" end`,
		Func: func(a *Args) int {
			order, err := precise.Compare(a.String(0), a.String(1))
			if err != nil {
				return a.Refuse(err.Error())
			}
			return a.Return(lua.LNumber(order))
		}},
	{On: "precise", Name: "format", Phase: Both, Summary: "Shows a number with so many digits.",
		Params: []Field{
			{Name: "a", Type: either(text(), number()), Required: true, Summary: "a number"},
			{Name: "digits", Type: count(), Default: 18, Summary: "that count, from 1 to 1000"},
		},
		Results: []Field{{Name: "text", Type: text(), Summary: "as %g of string.format would; what is no number stays as it is"}},
		Example: `log.info(precise.format(precise.calculate("divide", "1", "3"), 6))`,
		Func: func(a *Args) int {
			x, err := precise.Parse(a.String(0))
			if err != nil {
				return a.Return(lua.LString(a.String(0)))
			}
			return a.Return(lua.LString(precise.Format(x, min(max(a.Int(1), 1), 1000))))
		}},
}
