// Package suite runs the tests that a site's folder holds beside its scripts.
//
// A test file is named like the script it tests, "dialplan_test.lua", and calls
// test with a name and a function. Each test gets a World of package simulate to
// itself, so tests neither see nor delay one another and run on all cores at
// once. The function plays the people at the telephones: it dials, presses keys,
// and says what must be heard. It runs between two moments of the World; each of
// its calls lets virtual time pass as far as that call needs, and no further.
//
// What tests can call is an api.Extension. It stands beside the API's own table
// in the Lua states of test files and of nothing else.
package suite
