module github.com/moonwire/moonwire

go 1.26.0
