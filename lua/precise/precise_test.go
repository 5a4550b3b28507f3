package precise

import (
	"strings"
	"testing"
)

func TestCalculate(t *testing.T) {
	for _, test := range []struct{ operation, a, b, want string }{
		{"add", "0.1", "0.2", "0.3"},
		{"add", "9223372036854775807", "1", "9.22337203685477581e+18"},
		{"multiply", "123456789", "987654321", "121932631112635269"},
		{"divide", "1", "7", "0.142857142857142857"},
		{"multiply", "0.000001", "1", "1e-06"},
		{"remainder", "-7", "3", "-1"},
		{"remainder_nearest", "8", "3", "-1"},
		{"round", "-2.5", "", "-3"},
		{"rint", "2.5", "", "2"},
		{"floor", "-2.1", "", "-3"},
		{"ceil", "-2.1", "", "-2"},
		{"negate", "0", "", "-0"},
		{"sqrt", "2", "", "1.41421356237309505"},
		{"power", "2", "0.5", "1.41421356237309505"},
		{"power", "2", "-3", "0.125"},
		{"exp", "1", "", "2.71828182845904524"},
		{"log", "10", "", "2.30258509299404568"},
		{"log2", "8", "", "3"},
		{"sin", "90", "", "0.893996663600557891"},
		{"cos", "90", "", "-0.448073616129170152"},
		{"tan", "1", "", "1.5574077246549022305"[:20]},
		{"atan", "1", "", "0.785398163397448310"},
		{"asin", "0.5", "", "0.523598775598298873"},
		{"acos", "0.5", "", "1.04719755119659775"},
		{"atan2", "1", "-1", "2.35619449019234493"},
		{"log", "0", "", "-inf"},
		{"sqrt", "-1", "", "-nan"},
	} {
		result, err := Calculate(test.operation, test.a, test.b)
		if err != nil {
			t.Errorf("%s: %v", test.operation, err)
			continue
		}
		got := result
		if x, err := Parse(result); err == nil {
			got = Format(x, 18)
		}
		if got != trimmed(test.want) && !strings.HasPrefix(test.want, got) {
			t.Errorf("%s %s %s is %s, want %s", test.operation, test.a, test.b, got, test.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, test := range [][3]string{{"divide", "1", "0"}, {"add", "x", "1"}, {"add", "1", "0x10"}, {"nothing", "1", "1"}, {"add", "1e999999", "1"}} {
		if got, err := Calculate(test[0], test[1], test[2]); err == nil {
			t.Errorf("%v gave %s", test, got)
		}
	}
}

func FuzzCalculate(f *testing.F) {
	f.Add("add", "1", "2")
	f.Add("power", "10", "400")
	f.Add("exp", "11000.5", "")
	f.Add("remainder", "1e4000", "3")
	f.Fuzz(func(t *testing.T, operation, a, b string) {
		for name := range Operations() {
			if operation != "" && operation[0]%8 != name[0]%8 {
				continue
			}
			result, err := Calculate(name, a, b)
			if err != nil || strings.HasSuffix(result, "inf") || result == "-nan" {
				continue
			}
			if _, err := Parse(result); err != nil {
				t.Errorf("%s %s %s is %s, which is no number", name, a, b, result)
			}
		}
	})
}
