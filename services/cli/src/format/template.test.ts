import { describe, expect, test } from 'vitest';
import { TemplateError } from './template-parse.ts';
import { compile } from './template-run.ts';
import { mapOf, type Struct } from './value.ts';

const data: Struct = {
  Name: 'web',
  Id: 'abcdef',
  Internal: true,
  Ingress: false,
  Count: 3,
  Labels: mapOf({ z: '1', a: '2' }),
  None: null,
  IPAM: { Config: [{ Subnet: '10.0.0.0/24' }, { Subnet: 'fd00::/64' }], Options: new Map() },
  Label: (key) => (key === 'a' ? '2' : ''),
};

describe('what Go prints', () => {
  test.each([
    ['plain', 'plain'],
    ['{{.Name}}', 'web'],
    ['{{ .Name }}-{{.Id}}', 'web-abcdef'],
    ['{{.}}', '{web abcdef true false 3 map[a:2 z:1] <nil> {[{10.0.0.0/24} {fd00::/64}] map[]}}'],
    ['{{json .IPAM}}', '{"Config":[{"Subnet":"10.0.0.0/24"},{"Subnet":"fd00::/64"}],"Options":{}}'],
    ['{{json .Labels}}', '{"a":"2","z":"1"}'],
    ['{{.Labels}}', 'map[a:2 z:1]'],
    ['{{.Labels.z}}', '1'],
    ['{{.Labels.nope}}', '<no value>'],
    ['{{index .Labels "nope"}}|', '|'],
    ['{{index .Labels "a"}}', '2'],
    ['{{(index .IPAM.Config 0).Subnet}}', '10.0.0.0/24'],
    ['{{range .IPAM.Config}}{{.Subnet}} {{end}}', '10.0.0.0/24 fd00::/64 '],
    ['{{range $i, $c := .IPAM.Config}}{{$i}}={{$c.Subnet}};{{end}}', '0=10.0.0.0/24;1=fd00::/64;'],
    ['{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}', 'a=2 z=1 '],
    ['{{range .Labels}}{{.}}{{end}}', '21'],
    ['{{range .IPAM.Options}}x{{else}}none{{end}}', 'none'],
    ['{{range .IPAM.Config}}{{$.Name}}{{end}}', 'webweb'],
    ['{{if .Internal}}in{{else}}out{{end}}', 'in'],
    ['{{if .Ingress}}a{{else if .Internal}}b{{else}}c{{end}}', 'b'],
    ['{{if and .Internal (not .Ingress)}}yes{{end}}', 'yes'],
    ['{{and .Internal .Ingress}} {{or .Ingress .Name}}', 'false web'],
    ['{{with .Labels}}{{.a}}{{end}}', '2'],
    ['{{with .IPAM.Options}}a{{else}}b{{end}}', 'b'],
    ['{{$x := .Name}}{{$x}}{{$x}}', 'webweb'],
    ['{{$x := "a"}}{{if .Internal}}{{$x := "b"}}{{$x}}{{end}}{{$x}}', 'ba'],
    ['{{.Name | upper}}', 'WEB'],
    ['{{.Name | printf "%s-%s" "a" | len}}', '5'],
    ['{{printf "%s-%d|%5s|%-5s|%q|%v|%%" .Name 3 "r" "l" "q" .Ingress}}', 'web-3|    r|l    |"q"|false|%'],
    ['{{println "x"}}', 'x\n'],
    ['{{print "a" 1 2 "b"}}', 'a1 2b'],
    ['{{join (split "a b" " ") "+"}}', 'a+b'],
    ['{{title "ab cd"}} {{lower "AB"}}', 'Ab Cd ab'],
    ['{{pad "x" 2 1}}|{{pad "" 2 1}}|', '  x ||'],
    ['{{truncate .Id 3}} {{slice .Id 1 3}}', 'abc bc'],
    ['{{len .Labels}} {{len .IPAM.Config}} {{len .Name}}', '2 2 3'],
    ['{{eq .Name "web" "x"}} {{ne .Count 3}} {{lt .Count 4}} {{ge .Count 4}}', 'true false true false'],
    ['{{.Label "a"}}{{.Label "b"}}', '2'],
    ['a {{- .Name -}} b', 'awebb'],
    ['{{/* nothing */}}x', 'x'],
    ['{{"}}"}}{{`raw "x"`}}', '}}raw "x"'],
    ['{{true}} {{1}} {{-1}}', 'true 1 -1'],
  ])('%s', (template, expected) => {
    expect(compile(template)(data)).toBe(expected);
  });
});

describe('what is refused', () => {
  test.each([
    ['{{.Name', 'unclosed action'],
    ['{{.Foo}}', 'there is no field Foo; there are Name'],
    ['{{.Name.Foo}}', "can't evaluate field Foo in value web"],
    ['{{.Labels.nope.x}}', "can't evaluate field x in nil data"],
    ['{{foo}}', 'function "foo" not defined'],
    ['{{toString .}}', 'function "toString" not defined'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{if .Name}}', 'unexpected EOF'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{}}', 'missing value for command'],
    ['{{.Name | }}', 'missing value for command'],
    ['{{(.Name}}', 'unclosed left paren'],
    ['{{.Name !}}', 'unexpected "!" in command'],
    ['{{upper 3}}', 'expected string; found 3'],
    ['{{index .IPAM.Config 7}}', 'index out of range: 7'],
    ['{{eq .Name 3}}', 'incompatible types for comparison'],
    ['{{define "x"}}{{end}}', '{{define}} is not supported'],
  ])('%s', (template, message) => {
    expect(() => compile(template)(data)).toThrow(TemplateError);
    expect(() => compile(template)(data)).toThrow(message);
  });
});
