// Package mailbox keeps voice messages as files, in the layout that Asterisk's
// administrators know, so that a spool of theirs can be used as it is:
//
//	voicemail/CONTEXT/BOX/INBOX/msg0000.txt   what is known of a message
//	voicemail/CONTEXT/BOX/INBOX/msg0000.wav   its sound, in one format or several
//	voicemail/CONTEXT/BOX/unavail.wav         a greeting; busy, greet (the name), temp
//	voicemail/CONTEXT/BOX/secret.conf         a PIN that was changed by phone
//	voicemail/CONTEXT/BOX/tmp/                what is not a message yet, or no more
//
// A message is its text: where msg0000.txt is, there is a message. Everything
// that changes a mailbox therefore comes down to one step that the file system
// does whole or not at all, the renaming of a text. The sounds get a second name
// (a hard link) beside the place where the text will be, then the text is
// renamed, then the sounds lose their first name. A process that is killed
// before the renaming leaves the message where it was and a name too many after
// it; killed after it, the message is where it should be and a name too many
// before it. A name too many is told from a sound of its own by the inode that
// it shares, and goes when the mailbox is used next. Removing a message moves it
// to tmp, which needs nothing new.
//
// Numbers have no gaps while nobody listens: messages that follow one that went
// take its place. They keep theirs as long as somebody has the mailbox open, so
// that none is played in place of another. What holds on to a message across
// such a move is its ID.
//
// On a file system without hard links all works, but a message that is being
// moved when the machine fails may be left in two halves.
package mailbox
