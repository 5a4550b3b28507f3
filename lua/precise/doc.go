// Package precise calculates with numbers of 64 binary digits, about 19 decimal
// ones, which is what the long double of x86 has: whole numbers of up to 18
// digits stay exact, and decimal fractions come out as they went in when they
// are shown with 18 digits.
//
// Numbers come in and go out as text. The four operations and the square root
// are rounded correctly. The functions of analysis are series, summed with far
// more digits than the result keeps. Results that are no numbers are "inf",
// "-inf" and "-nan", as C prints them.
package precise
