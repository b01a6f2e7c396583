package mnist

import "embed"

// embedded is the folder of the four canonical files; data/README.md has their hashes.
//
//go:embed data/*.gz
var embedded embed.FS

const (
	embeddedSource = "embedded MNIST"
	embeddedCredit = "MNIST by Yann LeCun and Corinna Cortes; commonly given as CC BY-SA 3.0"
)
