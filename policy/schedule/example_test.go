package schedule_test

import (
	"encoding/json"
	"fmt"
	"log"
	"time"

	"doord/policy/schedule"
)

func Example() {
	const records = `[
		{"id": 1, "name": "Office hours", "enabled": true, "consequence": "unlock",
		 "scheduleable": {"id": 4, "type": "Lock"},
		 "monday": true, "tuesday": true, "wednesday": true, "thursday": true, "friday": true,
		 "starts_at_time": "08:00", "ends_at_time": "17:00"},
		{"id": 2, "name": "Holidays", "enabled": true, "override": true, "consequence": "unlock",
		 "scheduleable": {"id": 4, "type": "Lock"},
		 "region": "de", "holidays": [{"date": "2026-12-25", "name": "Christmas"}]}
	]`
	var schedules []schedule.Schedule
	if err := json.Unmarshal([]byte(records), &schedules); err != nil {
		log.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	plan := schedule.Compile(schedules, schedule.Unlock, berlin)

	christmas := time.Date(2026, 12, 25, 10, 0, 0, 0, berlin)
	fmt.Println(plan.At(christmas), plan.Explain(christmas))
	fmt.Println(plan.Next(christmas))

	for _, day := range plan.Week(schedule.Date{Year: 2026, Month: time.December, Day: 21}) {
		fmt.Println(day.Date, day.Hours)
	}
	// Output:
	// false {false 1 2}
	// 2026-12-28 08:00:00 +0100 CET true
	// 2026-12-21 [{08:00 17:00}]
	// 2026-12-22 [{08:00 17:00}]
	// 2026-12-23 [{08:00 17:00}]
	// 2026-12-24 [{08:00 17:00}]
	// 2026-12-25 []
	// 2026-12-26 []
	// 2026-12-27 []
}
