// Package host runs a site's Lua scripts: many calls at once, each apart from
// all others, while the scripts are edited.
//
// # Versions
//
// Everything that a site's folder holds at one moment becomes a Version: read
// into memory, compiled and run once in scratch states, where it declares what
// it wants (extensions, hooks, phones). Only a Version for which all of that
// succeeded is put in place, by swapping one pointer. A call keeps the Version
// it began with; whatever it requires later comes from that Version's memory
// and never from the disk.
//
// # States
//
// Each call has a Lua state of its own. That is affordable because the state
// holds nothing but the call's own values: compiled code belongs to the
// Version, and the library lives once in a template state whose tables every
// other state reaches through __index and none can change. To find a declared
// function, a call's state runs the file that declared it again, so closures
// and locals are the call's own and nothing is shared between calls.
//
// A file whose first comment holds ---@shared is the exception: it runs once for a
// Version, what it declares is frozen, and all states use it. Its functions can
// change none of its variables and tables, which is known when it is loaded, or
// refused when it runs. So thousands of extensions cost a call that uses one of
// them nothing.
//
// # Limits
//
// The interpreter asks the state's context before every instruction whether to
// go on. That one question counts instructions, delivers interruptions and ends
// endless loops. Memory is bounded in a second way: the compiler replaces the
// few operations that can allocate without bound by functions that charge for
// what they make, and each time a state has charged a good part of its ceiling
// its reachable values are measured. A script can therefore end its own call,
// and nothing else.
//
// The package knows nothing of telephony; what scripts may call comes from a
// Library.
package host
