// Command hallpass runs a district's data-sharing broker: it makes the
// district's directory, loads its records, serves the API, and gives the
// district's own people their commands. Everything it does to a district it
// does through the broker; here is wiring only.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
