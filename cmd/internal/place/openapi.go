package place

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

// object is a JSON object of the description.
type object = map[string]any

// describe writes the OpenAPI description of the routes: what is in it and what is
// served come from the same declarations.
func describe(routes []route) ([]byte, error) {
	paths := object{}
	b := &describer{schemas: object{
		"Error": object{
			"type": "object", "required": []string{"error", "code"},
			"properties": object{
				"error":  object{"type": "string", "description": "in words"},
				"code":   object{"type": "string", "pattern": "^[0-9a-f]{6}$"},
				"reason": object{"type": "string", "description": "of a decision about a door", "enum": policy.Reasons()},
			},
		},
		"Invalid": object{
			"type": "object", "required": []string{"errors"},
			"properties": object{
				"errors": object{"type": "object", "description": "by field; base is what belongs to none",
					"additionalProperties": object{"type": "array", "items": object{"type": "string"}}},
				"code": object{"type": "string", "pattern": "^[0-9a-f]{6}$"},
			},
		},
	}}
	for _, r := range routes {
		item, _ := paths[r.path].(object)
		if item == nil {
			item = object{}
			paths[r.path] = item
		}
		item[strings.ToLower(r.method)] = b.operation(r)
	}
	text, err := json.Marshal(object{
		"openapi": "3.1.0",
		"info": object{
			"title": "Place API", "version": "1",
			"description": "Doors of a place and who may open them. Bodies that create or change are in an envelope; lists are bare arrays with X-Collection-Range.",
		},
		"servers": []object{{"url": "/"}},
		"paths":   paths,
		"components": object{
			"schemas": b.schemas,
			"securitySchemes": object{"authorization": object{
				"type": "apiKey", "in": "header", "name": "Authorization",
				"description": schemeLogin + " secret, of who has signed in; " + schemeLink + " secret, of a quick access link; " + schemeKey + " key, of an integration",
			}},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("place: description: %w", err)
	}
	return text, nil
}

type describer struct{ schemas object }

func (b *describer) operation(r route) object {
	o := object{
		"operationId": operationID(r), "summary": r.text,
		"responses": b.responses(r),
	}
	if r.kind != nil {
		o["tags"] = []string{r.kind.path}
	}
	if r.open {
		o["security"] = []object{}
	} else {
		o["security"] = []object{{"authorization": []string{}}}
	}
	var params []object
	if strings.Contains(r.path, "{id}") {
		params = append(params, object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	for _, p := range r.params {
		x := object{"name": p.name, "in": "query", "schema": object{"type": p.schema}}
		if p.text != "" {
			x["description"] = p.text
		}
		if r.kind != nil && p.name == r.kind.required {
			x["required"] = true
		}
		params = append(params, x)
	}
	if params != nil {
		o["parameters"] = params
	}
	if r.body != nil {
		o["requestBody"] = object{"required": strings.HasPrefix(r.text, "C"), "content": content(b.body(r))}
	}
	return o
}

// operationID is the method and the words of the path.
func operationID(r route) string {
	id := strings.ToLower(r.method)
	for word := range strings.FieldsFuncSeq(r.path, func(c rune) bool { return strings.ContainsRune("/_.{}", c) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

func content(schema any) object { return object{"application/json": object{"schema": schema}} }

func (b *describer) body(r route) any {
	if l, is := r.body.(many); is {
		list := object{"type": "array", "minItems": 1, "maxItems": maxBulk, "items": b.input(l.of)}
		return object{"type": "object", "required": []string{l.of.path}, "properties": object{l.of.path: list}}
	}
	w, is := r.body.(wrapped)
	if !is {
		return b.of(reflect.TypeOf(r.body))
	}
	inner := any(nil)
	if w.body != nil {
		inner = b.of(reflect.TypeOf(w.body))
	} else {
		inner = b.input(r.kind)
	}
	return object{"type": "object", "required": []string{w.envelope}, "properties": object{w.envelope: inner}}
}

// input is what can be given of a kind's record.
func (b *describer) input(k *kind) any {
	name := k.real().resource + "Input"
	if b.schemas[name] == nil {
		properties := object{}
		if k != places {
			properties["place_id"] = object{"type": []string{"integer", "null"}}
		}
		for _, f := range k.shape.fields {
			if !baseFields[f.name] && !slices.Contains(k.real().readOnly, f.name) {
				properties[f.name] = orNullable(b.of(f.typ))
			}
		}
		b.schemas[name] = object{"type": "object", "properties": properties, "description": "null stands for the default; fields that are not known are passed over"}
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (b *describer) responses(r route) object {
	failed := func(text, schema string) object {
		return object{"description": text, "content": content(object{"$ref": "#/components/schemas/" + schema})}
	}
	all := object{
		"400": failed("malformed", "Error"), "404": failed("there is no such thing", "Error"),
		"413": failed("the body is larger than 1 MiB", "Error"), "422": failed("not valid", "Invalid"),
		"429": failed("too many requests: Retry-After tells when to try again", "Error"), "500": failed("a fault in the service", "Error"),
		"503": failed("the controller is offline or does not answer, or too many ask", "Error"),
		"403": failed("not allowed; for a door, why", "Error"), "401": failed("nobody, or the secret is wrong", "Error"),
		"409": failed("in conflict with how it is", "Error"),
	}
	ok := object{"description": "done"}
	switch {
	case r.status == 204:
	case r.lists:
		ok["content"] = content(object{"type": "array", "items": b.reply(r)})
		ok["headers"] = object{"X-Collection-Range": object{
			"description": "START-END/TOTAL", "required": true, "schema": object{"type": "string", "pattern": `^(\d+-\d+/\d+|\*/0)$`}}}
	case r.many:
		ok["content"] = content(object{"type": "array", "items": b.reply(r)})
	case r.reply != nil:
		ok["content"] = content(b.reply(r))
	}
	all[strconv.Itoa(r.status)] = ok
	return all
}

// reply is the schema of what a route answers. An object of a kind has the kind's name.
func (b *describer) reply(r route) any {
	if r.kind == nil || reflect.TypeOf(r.reply) != reflect.TypeOf(r.kind.object) && r.kind.object != nil {
		return b.of(reflect.TypeOf(r.reply))
	}
	name := r.kind.resource
	if r.kind.alias == wiegandConnections.alias && r.kind != wiegandConnections {
		name = readers.resource
	}
	if b.schemas[name] == nil {
		b.schemas[name] = object{} // it may be in itself
		schema, _ := b.of(reflect.TypeOf(r.reply)).(object)
		properties, _ := schema["properties"].(object)
		if r.kind.prepare != nil {
			for _, f := range shapeOf(reflect.TypeFor[once]()).fields {
				if properties[f.name] == nil {
					properties[f.name] = b.of(f.typ)
				}
			}
		}
		if t, is := properties["resource_type"].(object); is {
			t["const"] = r.kind.real().resource
			if r.kind == wiegandConnections {
				t["const"] = r.kind.resource
			}
		}
		b.schemas[name] = schema
	}
	return object{"$ref": "#/components/schemas/" + name}
}

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	enums         = map[reflect.Type][]string{
		reflect.TypeFor[policy.ClockRule](): {string(policy.ClockDeny), string(policy.ClockAllow)},
		reflect.TypeFor[policy.StaleRule](): {string(policy.StaleAdmit), string(policy.StaleDeny)},
		reflect.TypeFor[policy.FireRule]():  {string(policy.FireStay), string(policy.FireRelease)},
		reflect.TypeFor[policy.RelayType](): {string(policy.RelayLock), string(policy.RelaySiren), string(policy.RelayStop), string(policy.RelayKeySwitch)},
		reflect.TypeFor[policy.InputType](): {string(policy.InputContact), string(policy.InputREX), string(policy.InputTamperS), string(policy.InputFire),
			string(policy.InputPanel), string(policy.InputPassage), string(policy.InputLoop)},
		reflect.TypeFor[policy.PanelSignal]():      {"", string(policy.SignalAway), string(policy.SignalStay), string(policy.SignalDisarmed), string(policy.SignalViolated)},
		reflect.TypeFor[policy.LockKind]():         {string(policy.KindDoor), string(policy.KindTurnstile), string(policy.KindGate)},
		reflect.TypeFor[policy.ZoneSource]():       {string(policy.SourceNative), string(policy.SourcePanel)},
		reflect.TypeFor[policy.AreaMode]():         {string(policy.AreaHard), string(policy.AreaSoft)},
		reflect.TypeFor[policy.RelockOn]():         {"", string(policy.RelockOpen), string(policy.RelockClose), string(policy.RelockTimeout)},
		reflect.TypeFor[policy.Direction]():        {"", string(policy.In), string(policy.Out)},
		reflect.TypeFor[policy.PINMode]():          {string(policy.PINNone), string(policy.PINOnly), string(policy.PINCardAndPIN)},
		reflect.TypeFor[policy.Role]():             {string(policy.RoleMember), string(policy.RoleManager), string(policy.RoleAdministrator), string(policy.RoleOwner)},
		reflect.TypeFor[policy.CredentialKind]():   {string(policy.KindCard), string(policy.KindFob), string(policy.KindTag), string(policy.KindPhone), string(policy.KindPIN), string(policy.KindLink)},
		reflect.TypeFor[policy.CredentialStatus](): {string(policy.Activated), string(policy.Deactivated), string(policy.Unassigned)},
		reflect.TypeFor[schedule.Consequence]():    {string(schedule.Allow), string(schedule.Unlock), string(schedule.FirstToArrive), string(schedule.Permit)},
	}
)

// of is the schema of a type as encoding/json writes it.
func (b *describer) of(t reflect.Type) any {
	if words := enums[t]; words != nil {
		return object{"type": "string", "enum": words}
	}
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[schedule.Date]():
		return object{"type": "string", "format": "date"}
	case reflect.TypeFor[schedule.Clock]():
		return object{"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"}
	case reflect.TypeFor[hidden]():
		return nil
	}
	if t.Kind() == reflect.Pointer {
		return orNullable(b.of(t.Elem()))
	}
	if t.Implements(textMarshaler) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		return object{"type": "array", "items": b.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object"}
	case reflect.Struct:
		return b.structure(t)
	default:
		return object{}
	}
}

func (b *describer) structure(t reflect.Type) any {
	properties, required := object{}, []string{}
	for _, f := range shapeOf(t).fields {
		schema := b.of(f.typ)
		if schema == nil {
			continue
		}
		properties[f.name] = schema
		if !f.omit {
			required = append(required, f.name)
		}
	}
	o := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// orNullable lets null be, too.
func orNullable(schema any) any {
	o, _ := schema.(object)
	switch kind := o["type"].(type) {
	case string:
		o["type"] = []string{kind, "null"}
		if words, is := o["enum"].([]string); is {
			list := make([]any, 0, len(words)+1)
			for _, w := range words {
				list = append(list, w)
			}
			o["enum"] = append(list, nil)
		}
	}
	return schema
}
