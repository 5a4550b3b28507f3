package precise

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

const (
	mantissa = 64  // bits of a result
	working  = 160 // bits of what leads to one
	// mostExponent bounds what texts may hold: beyond it results overflow.
	mostExponent = 16384
)

// float is a new number of the precision of results.
func float() *big.Float { return new(big.Float).SetPrec(mantissa) }

// wide is x with the digits that series need.
func wide(x *big.Float) *big.Float { return new(big.Float).SetPrec(working).Set(x) }

// Parse reads a number: digits with at most one point, and an exponent.
func Parse(text string) (*big.Float, error) {
	text = strings.TrimSpace(text)
	if len(text) > 5000 || strings.ContainsAny(text, "xXpPbBoO_iInN") {
		return nil, fmt.Errorf("%q is not a number", shortened(text))
	}
	x, _, err := float().Parse(text, 10)
	if err != nil || x.IsInf() || x.Sign() != 0 && abs(x.MantExp(nil)) > mostExponent {
		return nil, fmt.Errorf("%q is not a number", shortened(text))
	}
	return x, nil
}

func shortened(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// Exact writes a number so that Parse gives it back.
func Exact(x *big.Float) string { return x.Text('g', 21) }

// Format writes a number with so many significant digits, as printf's %g does.
func Format(x *big.Float, digits int) string {
	text := x.Text('e', digits-1)
	head, tail, _ := strings.Cut(text, "e")
	exponent, _ := strconv.Atoi(tail)
	if exponent < -4 || exponent >= digits {
		return trimmed(head) + fmt.Sprintf("e%+03d", exponent)
	}
	return trimmed(x.Text('f', max(digits-1-exponent, 0)))
}

// trimmed is a decimal fraction without zeros at its end.
func trimmed(text string) string {
	if !strings.Contains(text, ".") {
		return text
	}
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// Compare is -1, 0 or 1 as a is less than, equal to or greater than b.
func Compare(a, b string) (int, error) {
	x, err := Parse(a)
	if err != nil {
		return 0, err
	}
	y, err := Parse(b)
	if err != nil {
		return 0, err
	}
	return x.Cmp(y), nil
}

// Calculate carries out an operation of Operations on one or two numbers.
func Calculate(operation, a, b string) (string, error) {
	x, err := Parse(a)
	if err != nil {
		return "", err
	}
	if f, ok := unary[operation]; ok {
		return f(x)
	}
	f, ok := binary[operation]
	if !ok {
		return "", fmt.Errorf("there is no operation %q", operation)
	}
	y, err := Parse(b)
	if err != nil {
		return "", err
	}
	return f(x, y)
}

// Operations are the names that Calculate knows, and how many numbers each takes.
func Operations() map[string]int {
	list := map[string]int{}
	for name := range unary {
		list[name] = 1
	}
	for name := range binary {
		list[name] = 2
	}
	return list
}

func exactly(x *big.Float) (string, error) {
	if x.IsInf() || x.Sign() != 0 && abs(x.MantExp(nil)) > mostExponent {
		if x.Sign() < 0 {
			return "-inf", nil
		}
		return "inf", nil
	}
	return Exact(float().Set(x)), nil
}
