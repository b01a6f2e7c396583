// No package is here. A module of its own keeps this folder out of the zip of module
// tandem, and so out of what `go install` downloads.
module tandem/docs/results

go 1.26.0
