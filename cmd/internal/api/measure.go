package api

// Measurement is a loop that is measured, as it is now and as it may be.
type Measurement struct {
	Name      string `json:"name"`
	ADC       string `json:"adc"`
	PullUp    int    `json:"pull_up_ohm"`
	EndOfLine string `json:"end_of_line,omitempty"`

	Raw        int     `json:"raw"`           // as the converter gives it
	Percent    float64 `json:"percent"`       // of the reference
	Millivolts float64 `json:"millivolts"`    // across the loop
	Ohm        *int    `json:"ohm,omitempty"` // of the loop, with a pull-up of just its value; absent for a loop without current
	State      string  `json:"state"`         // before debounce and hysteresis
	// Inside says that the loop is within what its resistors and their tolerance
	// allow; if not, it drifts, or is not what the configuration says.
	Inside bool   `json:"inside"`
	Bands  []Band `json:"bands"`
	Fault  string `json:"fault,omitempty"` // why it cannot be measured
}

// Band is what share of the reference a loop has in one state, in percent.
type Band struct {
	State string  `json:"state"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Until float64 `json:"until"` // the next state begins there
}

// Measurements is the answer to GET /v1/inputs/measure.
type Measurements struct {
	Version int           `json:"version"`
	Inputs  []Measurement `json:"inputs"`
}
