//! The columns that are written, in order, and what may stand in them.

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// One of a few words.
    OneOf(&'static [&'static str]),
    /// A decimal.
    Decimal,
    /// `YYYY-MM-DDTHH:mm:ssZ`.
    Instant,
    /// A flat JSON object.
    KeyValue,
    /// ISO 4217.
    Currency,
}

/// One column of FOCUS 1.2, or one of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: Kind,
    /// Whether cells may be empty.
    pub nullable: bool,
    /// Whether FOCUS (or our convention) demands the column.
    pub mandatory: bool,
}

const fn column(name: &'static str, kind: Kind, nullable: bool, mandatory: bool) -> Column {
    Column { name, kind, nullable, mandatory }
}

const MUST: bool = true;
const MAY: bool = false;
const NULL: bool = true;
const SET: bool = false;

/// Everything that is written: FOCUS columns by name, ours after them.
pub(super) const COLUMNS: [Column; 60] = [
    column("AvailabilityZone", Kind::Text, NULL, MAY),
    column("BilledCost", Kind::Decimal, SET, MUST),
    column("BillingAccountId", Kind::Text, SET, MUST),
    column("BillingAccountName", Kind::Text, NULL, MUST),
    column("BillingCurrency", Kind::Currency, SET, MUST),
    column("BillingPeriodEnd", Kind::Instant, SET, MUST),
    column("BillingPeriodStart", Kind::Instant, SET, MUST),
    column("ChargeCategory", Kind::OneOf(&["Usage", "Purchase", "Tax", "Credit", "Adjustment"]), SET, MUST),
    column("ChargeClass", Kind::OneOf(&["Correction"]), NULL, MUST),
    column("ChargeDescription", Kind::Text, NULL, MUST),
    column("ChargeFrequency", Kind::OneOf(&["One-Time", "Recurring", "Usage-Based"]), SET, MUST),
    column("ChargePeriodEnd", Kind::Instant, SET, MUST),
    column("ChargePeriodStart", Kind::Instant, SET, MUST),
    column("CommitmentDiscountCategory", Kind::OneOf(&["Spend", "Usage"]), NULL, MAY),
    column("CommitmentDiscountId", Kind::Text, NULL, MAY),
    column("CommitmentDiscountName", Kind::Text, NULL, MAY),
    column("CommitmentDiscountQuantity", Kind::Decimal, NULL, MAY),
    column("CommitmentDiscountStatus", Kind::OneOf(&["Used", "Unused"]), NULL, MAY),
    column("CommitmentDiscountType", Kind::Text, NULL, MAY),
    column("CommitmentDiscountUnit", Kind::Text, NULL, MAY),
    column("ConsumedQuantity", Kind::Decimal, NULL, MAY),
    column("ConsumedUnit", Kind::Text, NULL, MAY),
    column("ContractedCost", Kind::Decimal, SET, MUST),
    column("ContractedUnitPrice", Kind::Decimal, NULL, MAY),
    column("EffectiveCost", Kind::Decimal, SET, MUST),
    column("InvoiceId", Kind::Text, NULL, MAY),
    column("InvoiceIssuerName", Kind::Text, SET, MUST),
    column("ListCost", Kind::Decimal, SET, MUST),
    column("ListUnitPrice", Kind::Decimal, NULL, MAY),
    column("PricingCategory", Kind::OneOf(&["Standard", "Dynamic", "Committed", "Other"]), NULL, MAY),
    column("PricingQuantity", Kind::Decimal, NULL, MUST),
    column("PricingUnit", Kind::Text, NULL, MUST),
    column("ProviderName", Kind::Text, SET, MUST),
    column("PublisherName", Kind::Text, SET, MUST),
    column("RegionId", Kind::Text, NULL, MAY),
    column("RegionName", Kind::Text, NULL, MAY),
    column("ResourceId", Kind::Text, NULL, MAY),
    column("ResourceName", Kind::Text, NULL, MAY),
    column("ResourceType", Kind::Text, NULL, MAY),
    column("ServiceCategory", Kind::OneOf(&SERVICE_CATEGORIES), SET, MUST),
    column("ServiceName", Kind::Text, SET, MUST),
    column("ServiceSubcategory", Kind::Text, SET, MAY),
    column("SkuId", Kind::Text, NULL, MAY),
    column("SkuMeter", Kind::Text, NULL, MAY),
    column("SkuPriceDetails", Kind::KeyValue, NULL, MAY),
    column("SkuPriceId", Kind::Text, NULL, MAY),
    column("SubAccountId", Kind::Text, NULL, MAY),
    column("SubAccountName", Kind::Text, NULL, MAY),
    column("Tags", Kind::KeyValue, NULL, MAY),
    column("x_InputHash", Kind::Text, SET, MUST),
    column("x_OnDemandEquivalentCost", Kind::Decimal, SET, MUST),
    column("x_PlanLineId", Kind::Text, SET, MUST),
    column("x_PlanVersion", Kind::Text, SET, MUST),
    column("x_PriceSnapshotDate", Kind::Text, SET, MUST),
    column("x_RecordType", Kind::OneOf(&["Plan", "Budget", "Actual"]), SET, MUST),
    column("x_Replay", Kind::Text, SET, MUST),
    column("x_ScenarioId", Kind::Text, SET, MUST),
    column("x_ScenarioName", Kind::Text, SET, MUST),
    column("x_PurchaseOption", Kind::Text, SET, MUST),
    column("x_Provenance", Kind::Text, NULL, MUST),
];

/// The values of `ServiceCategory`.
const SERVICE_CATEGORIES: [&str; 19] = [
    "AI and Machine Learning",
    "Analytics",
    "Business Applications",
    "Compute",
    "Databases",
    "Developer Tools",
    "Multicloud",
    "Identity",
    "Integration",
    "Internet of Things",
    "Management and Governance",
    "Media",
    "Migration",
    "Mobile",
    "Networking",
    "Security",
    "Storage",
    "Web",
    "Other",
];

/// FOCUS 1.2 columns that are known but not written: they belong to circumstances that a plan does
/// not have.
pub(super) const OTHER_COLUMNS: [&str; 9] = [
    "BillingAccountType",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "SubAccountType",
    "x_PlanGeneratedAt",
];
