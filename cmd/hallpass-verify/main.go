// Command hallpass-verify checks receipts and exported logs of a Hallpass
// district. It reads files, trusts only the public key it is given, and has no
// use for a network.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
