// What go-yaml, which coreos-cloudinit reads its files with, makes of documents: the judge of src/oem/cloud-config/go-yaml.ts.
//
// Standard input: one JSON line with the type to decode into (in the words of keys.ts), then one JSON string a document.
// Standard output: one JSON line a document. version 3 is what Flatcar reads from branch 3913 on; version 2 stands in for
// the fork of version 1 that was used before: it takes the same values for the same fields, but tells what it left out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"

	yaml2 "gopkg.in/yaml.v2"
	yaml3 "gopkg.in/yaml.v3"
)

type description struct {
	Kind string
	Of   *description
	Keys map[string]struct{ Type description }
}

func (d description) typ() reflect.Type {
	switch d.Kind {
	case "string":
		return reflect.TypeOf("")
	case "bool":
		return reflect.TypeOf(false)
	case "int":
		return reflect.TypeOf(0)
	case "float":
		return reflect.TypeOf(0.0)
	case "list":
		return reflect.SliceOf(d.Of.typ())
	}
	names := []string{}
	for name := range d.Keys {
		names = append(names, name)
	}
	sort.Strings(names)
	fields := []reflect.StructField{}
	for index, name := range names {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("F%d", index),
			Type: d.Keys[name].Type.typ(),
			Tag:  reflect.StructTag(fmt.Sprintf(`yaml:"%s" json:"%s"`, name, name)),
		})
	}
	return reflect.StructOf(fields)
}

type verdict struct {
	// "taken", "type" when some value does not fit its field, "syntax" for anything else.
	Verdict string      `json:"verdict"`
	Why     string      `json:"why,omitempty"`
	Value   interface{} `json:"value"`
}

func main() {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 64<<20)
	input.Scan()
	var d description
	if err := json.Unmarshal(input.Bytes(), &d); err != nil {
		panic(err)
	}
	t := d.typ()
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	for input.Scan() {
		var document string
		if err := json.Unmarshal(input.Bytes(), &document); err != nil {
			panic(err)
		}
		old, new := reflect.New(t).Interface(), reflect.New(t).Interface()
		v2, v3 := judge(yaml2.Unmarshal([]byte(document), old), old), judge(yaml3.Unmarshal([]byte(document), new), new)
		line, err := json.Marshal(map[string]verdict{"v2": v2, "v3": v3})
		if err != nil {
			// JSON has no infinity.
			v2.Value, v3.Value = nil, nil
			line, _ = json.Marshal(map[string]verdict{"v2": v2, "v3": v3})
		}
		output.Write(append(line, '\n'))
	}
}

func judge(err error, value interface{}) verdict {
	switch e := err.(type) {
	case nil:
		return verdict{"taken", "", value}
	case *yaml2.TypeError, *yaml3.TypeError:
		return verdict{"type", e.Error(), value}
	}
	return verdict{"syntax", err.Error(), nil}
}
