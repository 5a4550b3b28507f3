package precise

import (
	"errors"
	"math/big"
)

var errDivision = errors.New("division by zero")

var binary = map[string]func(x, y *big.Float) (string, error){
	"add":      func(x, y *big.Float) (string, error) { return exactly(float().Add(x, y)) },
	"subtract": func(x, y *big.Float) (string, error) { return exactly(float().Sub(x, y)) },
	"multiply": func(x, y *big.Float) (string, error) { return exactly(float().Mul(x, y)) },
	"divide": func(x, y *big.Float) (string, error) {
		if y.Sign() == 0 {
			return "", errDivision
		}
		return exactly(float().Quo(x, y))
	},
	"remainder":         func(x, y *big.Float) (string, error) { return remainder(x, y, truncate) },
	"remainder_nearest": func(x, y *big.Float) (string, error) { return remainder(x, y, toEven) },
	"power":             power,
	"atan2":             atan2,
}

var unary = map[string]func(x *big.Float) (string, error){
	"negate": func(x *big.Float) (string, error) { return exactly(float().Neg(x)) },
	"abs":    func(x *big.Float) (string, error) { return exactly(float().Abs(x)) },
	"trunc":  rounded(truncate),
	"floor":  rounded(func(x *big.Float) *big.Float { return shifted(x, -1) }),
	"ceil":   rounded(func(x *big.Float) *big.Float { return shifted(x, 1) }),
	"round":  rounded(awayFromZero),
	"rint":   rounded(toEven),
	"sqrt": func(x *big.Float) (string, error) {
		if x.Sign() < 0 {
			return "-nan", nil
		}
		return exactly(float().Sqrt(x))
	},
	"exp":   func(x *big.Float) (string, error) { return bounded(x, func() *big.Float { return exp(wide(x)) }) },
	"exp2":  func(x *big.Float) (string, error) { return power(big.NewFloat(2), x) },
	"exp10": func(x *big.Float) (string, error) { return power(big.NewFloat(10), x) },
	"log":   logarithm(nil),
	"log2":  logarithm(big.NewFloat(2)),
	"log10": logarithm(big.NewFloat(10)),
	"sin":   func(x *big.Float) (string, error) { return exactly(sin(reduced(x))) },
	"cos": func(x *big.Float) (string, error) {
		return exactly(sin(reduced(new(big.Float).SetPrec(working).Add(wide(x), half(pi())))))
	},
	"tan": func(x *big.Float) (string, error) {
		s := sin(reduced(x))
		c := sin(reduced(new(big.Float).SetPrec(working).Add(wide(x), half(pi()))))
		if c.Sign() == 0 {
			return "inf", nil
		}
		return exactly(s.Quo(s, c))
	},
	"atan": func(x *big.Float) (string, error) { return exactly(atan(wide(x))) },
	"asin": func(x *big.Float) (string, error) { return arc(x, false) },
	"acos": func(x *big.Float) (string, error) { return arc(x, true) },
}

// mostArgument is where e to the power of it overflows a long double.
const mostArgument = 11357

func bounded(x *big.Float, f func() *big.Float) (string, error) {
	if v, _ := x.Float64(); v > mostArgument {
		return "inf", nil
	} else if v < -mostArgument {
		return "0", nil
	}
	return exactly(f())
}

func rounded(f func(*big.Float) *big.Float) func(*big.Float) (string, error) {
	return func(x *big.Float) (string, error) { return exactly(f(x)) }
}

// truncate drops what is behind the point, and keeps the sign of zero.
func truncate(x *big.Float) *big.Float {
	whole, _ := x.Int(nil)
	r := new(big.Float).SetPrec(uint(max(mantissa, whole.BitLen()))).SetInt(whole)
	if x.Signbit() && r.Sign() == 0 {
		r.Neg(r)
	}
	return r
}

// shifted is the next whole number in a direction, or x itself.
func shifted(x *big.Float, direction int) *big.Float {
	whole := truncate(x)
	if whole.Cmp(x)*direction < 0 {
		whole.Add(whole, big.NewFloat(float64(direction)))
	}
	return whole
}

func awayFromZero(x *big.Float) *big.Float {
	h := big.NewFloat(0.5)
	if x.Sign() < 0 {
		h.Neg(h)
	}
	return truncate(new(big.Float).SetPrec(working).Add(x, h))
}

// toEven rounds to the nearest whole number, and halves to the even one.
func toEven(x *big.Float) *big.Float {
	whole := truncate(x)
	rest := new(big.Float).SetPrec(working).Sub(x, whole)
	c := rest.Abs(rest).Cmp(big.NewFloat(0.5))
	odd, _ := whole.Int(nil)
	if c > 0 || c == 0 && odd.Bit(0) == 1 {
		step := big.NewFloat(1)
		if x.Sign() < 0 {
			step.Neg(step)
		}
		whole.Add(whole, step)
	}
	return whole
}

const mostQuotient = 4096 // bits of a quotient whose remainder is asked for

// remainder is x - n·y, where n is x/y made whole.
func remainder(x, y *big.Float, make func(*big.Float) *big.Float) (string, error) {
	if y.Sign() == 0 {
		return "", errDivision
	}
	if x.Sign() == 0 || x.MantExp(nil)-y.MantExp(nil) > mostQuotient {
		return "0", nil
	}
	exactEnough := uint(max(0, x.MantExp(nil)-y.MantExp(nil)) + 3*mantissa)
	n := make(new(big.Float).SetPrec(exactEnough).Quo(x, y))
	product := new(big.Float).SetPrec(2*exactEnough).Mul(n, y)
	r := new(big.Float).SetPrec(2*exactEnough).Sub(x, product)
	if r.Sign() == 0 && x.Signbit() {
		r.Neg(r)
	}
	return exactly(r)
}

// power is x to the y. Whole powers are multiplied out.
func power(x, y *big.Float) (string, error) {
	if y.Sign() == 0 {
		return "1", nil
	}
	if x.Sign() == 0 {
		if y.Sign() < 0 {
			return "inf", nil
		}
		return "0", nil
	}
	n, accuracy := y.Int64()
	whole := accuracy == big.Exact
	if x.Sign() < 0 && !whole {
		return "-nan", nil
	}
	if whole && n > -mostExponent && n < mostExponent {
		return exactly(multiplied(wide(x), int(n)))
	}
	l := ln(wide(new(big.Float).Abs(x)))
	l.Mul(l, wide(y))
	return bounded(l, func() *big.Float {
		r := exp(l)
		if x.Sign() < 0 && n%2 != 0 {
			r.Neg(r)
		}
		return r
	})
}

func multiplied(x *big.Float, n int) *big.Float {
	result := new(big.Float).SetPrec(working).SetInt64(1)
	for k := abs(n); k > 0; k >>= 1 {
		if k&1 == 1 {
			result.Mul(result, x)
		}
		x.Mul(x, x)
		if x.IsInf() || result.IsInf() {
			break
		}
	}
	if n < 0 {
		return result.Quo(new(big.Float).SetPrec(working).SetInt64(1), result)
	}
	return result
}

func logarithm(base *big.Float) func(x *big.Float) (string, error) {
	return func(x *big.Float) (string, error) {
		switch {
		case x.Sign() < 0:
			return "-nan", nil
		case x.Sign() == 0:
			return "-inf", nil
		}
		l := ln(wide(x))
		if base != nil {
			l.Quo(l, ln(wide(base)))
		}
		return exactly(l)
	}
}

// arc is the arc sine, or the arc cosine.
func arc(x *big.Float, cosine bool) (string, error) {
	one := new(big.Float).SetPrec(working).SetInt64(1)
	square := new(big.Float).SetPrec(working).Mul(x, x)
	if square.Cmp(one) > 0 {
		return "-nan", nil
	}
	root := new(big.Float).SetPrec(working).Sqrt(one.Sub(one, square))
	var a *big.Float
	if cosine {
		a = angle(root, wide(x))
	} else {
		a = angle(wide(x), root)
	}
	return exactly(a)
}

func atan2(y, x *big.Float) (string, error) { return exactly(angle(wide(y), wide(x))) }
