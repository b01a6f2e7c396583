package main

func main() { chooseKernels() }
