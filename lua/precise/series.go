package precise

import "math/big"

func number(n int64) *big.Float { return new(big.Float).SetPrec(working).SetInt64(n) }

func half(x *big.Float) *big.Float { return new(big.Float).SetPrec(working).Quo(x, number(2)) }

// negligible reports whether adding term to sum changes nothing that counts.
func negligible(term, sum *big.Float) bool {
	return term.Sign() == 0 || sum.Sign() != 0 && sum.MantExp(nil)-term.MantExp(nil) > working
}

// exp sums x^n/n!, after halving x until it is small; squaring makes up for that.
func exp(x *big.Float) *big.Float {
	if x.Sign() == 0 {
		return number(1)
	}
	halvings := max(0, x.MantExp(nil)+8)
	small := new(big.Float).SetPrec(working+32).SetMantExp(x, -halvings)
	sum, term := number(1).SetPrec(working+32), number(1).SetPrec(working+32)
	for n := int64(1); !negligible(term, sum); n++ {
		term.Mul(term, small)
		term.Quo(term, number(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum.SetPrec(working)
}

// ln sums 2·(z + z³/3 + z⁵/5 + …) for z = (m-1)/(m+1), where m is the mantissa of
// x, and adds as many logarithms of 2 as its exponent says.
func ln(x *big.Float) *big.Float {
	m := new(big.Float).SetPrec(working)
	exponent := x.MantExp(m) // 0.5 <= m < 1
	l := lnNear(m)
	return l.Add(l, new(big.Float).SetPrec(working).Mul(number(int64(exponent)), ln2()))
}

func lnNear(m *big.Float) *big.Float {
	z := new(big.Float).SetPrec(working).Sub(m, number(1))
	z.Quo(z, new(big.Float).SetPrec(working).Add(m, number(1)))
	return odd(z, 1).Mul(number(2), odd(z, 1))
}

func ln2() *big.Float { return new(big.Float).SetPrec(working).Neg(lnNear(big.NewFloat(0.5))) }

// odd sums z + s·z³/3 + z⁵/5 + s·z⁷/7 …, which is the inverse hyperbolic tangent
// for s = 1 and the arc tangent for s = -1.
func odd(z *big.Float, sign int64) *big.Float {
	sum := new(big.Float).SetPrec(working)
	if z.Sign() == 0 {
		return sum
	}
	square := new(big.Float).SetPrec(working).Mul(z, z)
	square.Mul(square, number(sign))
	power := new(big.Float).SetPrec(working).Set(z)
	for n := int64(1); ; n += 2 {
		term := new(big.Float).SetPrec(working).Quo(power, number(n))
		if negligible(term, sum) {
			return sum
		}
		sum.Add(sum, term)
		power.Mul(power, square)
	}
}

// pi is Machin's 16·atan(1/5) - 4·atan(1/239).
func pi() *big.Float {
	a := odd(new(big.Float).SetPrec(working).Quo(number(1), number(5)), -1)
	b := odd(new(big.Float).SetPrec(working).Quo(number(1), number(239)), -1)
	a.Mul(a, number(16))
	return a.Sub(a, b.Mul(b, number(4)))
}

// atan halves the angle until the series is quick: atan x = 2·atan(x/(1+√(1+x²))).
func atan(x *big.Float) *big.Float {
	z, doublings := new(big.Float).SetPrec(working).Set(x), 0
	for z.Sign() != 0 && z.MantExp(nil) > -4 && doublings < 12 {
		root := new(big.Float).SetPrec(working).Mul(z, z)
		root.Sqrt(root.Add(root, number(1)))
		z.Quo(z, root.Add(root, number(1)))
		doublings++
	}
	sum := odd(z, -1)
	return new(big.Float).SetPrec(working).SetMantExp(sum, doublings)
}

// angle is the angle of the point (x, y), from -π to π.
func angle(y, x *big.Float) *big.Float {
	p := pi()
	switch {
	case x.Sign() == 0 && y.Sign() == 0:
		return number(0)
	case x.Sign() == 0 && y.Sign() > 0:
		return half(p)
	case x.Sign() == 0:
		return p.Neg(half(p))
	}
	a := atan(new(big.Float).SetPrec(working).Quo(y, x))
	if x.Sign() > 0 {
		return a
	}
	if y.Sign() < 0 {
		return a.Sub(a, p)
	}
	return a.Add(a, p)
}

// mostAngle bounds the angles that are reduced, by their exponent: the digits of
// π end there.
const mostAngle = 70

// reduced is an angle of the same sine between -π and π; 0 for angles so great
// that their digits say nothing about it.
func reduced(x *big.Float) *big.Float {
	if x.Sign() == 0 || x.MantExp(nil) > mostAngle {
		return number(0)
	}
	turn := new(big.Float).SetPrec(working).Mul(pi(), number(2))
	turns := toEven(new(big.Float).SetPrec(working).Quo(x, turn))
	return turn.Sub(x, turn.Mul(turn, turns))
}

// sin sums x - x³/3! + x⁵/5! ….
func sin(x *big.Float) *big.Float {
	sum := new(big.Float).SetPrec(working).Set(x)
	term := new(big.Float).SetPrec(working).Set(x)
	square := new(big.Float).SetPrec(working).Mul(x, x)
	square.Neg(square)
	for n := int64(2); ; n += 2 {
		term.Mul(term, square)
		term.Quo(term, number(n*(n+1)))
		if negligible(term, sum) {
			return sum
		}
		sum.Add(sum, term)
	}
}
